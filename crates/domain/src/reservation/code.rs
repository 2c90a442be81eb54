//! What the owner of confirmed units shows for them: short, read out without mistakes, and not to be guessed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Digits and letters of which none looks or sounds like another: no 0, 1, I, L, O and U.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many of them a code has: 30 to the power of 12 is some 58 bits.
const LENGTH: usize = 12;

/// A confirmation code: three groups of four, `K7QX-M2RD-9HTB`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfirmationCode(Box<str>);

/// It is no confirmation code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a confirmation code is three groups of four letters and digits")]
pub struct NoCode;

impl ConfirmationCode {
    /// The code that these random bits make; at least 60 of them have to be.
    pub fn from_random(bits: u128) -> Self {
        let mut bits = bits;
        let mut code = String::with_capacity(LENGTH + 2);
        for place in 0..LENGTH {
            if place > 0 && place % 4 == 0 {
                code.push('-');
            }
            let symbol = usize::try_from(bits % 30).unwrap_or(0);
            code.push(char::from(ALPHABET[symbol]));
            bits /= 30;
        }
        Self(code.into())
    }

    /// Takes a code as it is written.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, NoCode> {
        let groups = text.split('-');
        let is_group = |group: &str| group.len() == 4 && group.bytes().all(|byte| ALPHABET.contains(&byte));
        if groups.clone().count() == LENGTH / 4 && groups.clone().all(is_group) {
            Ok(Self(text.into()))
        } else {
            Err(NoCode)
        }
    }

    /// The code as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConfirmationCode {
    type Error = NoCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ConfirmationCode> for String {
    fn from(code: ConfirmationCode) -> Self {
        code.0.into()
    }
}

impl fmt::Display for ConfirmationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_groups_of_four_and_nothing_else_is_one() {
        for bits in [0, 1, 29, 30, u128::MAX] {
            let code = ConfirmationCode::from_random(bits);
            assert_eq!(ConfirmationCode::parse(code.as_str()), Ok(code.clone()), "{code}");
        }
        assert_eq!(ConfirmationCode::from_random(0).as_str(), "2222-2222-2222");
        assert_eq!(ConfirmationCode::from_random(31).as_str(), "3322-2222-2222");
        for none in
            ["", "2222-2222", "2222-2222-222O", "2222-2222-2222-2222", "222222222222", "2222-2222-222é"]
        {
            assert_eq!(ConfirmationCode::parse(none), Err(NoCode), "{none}");
        }
    }
}
