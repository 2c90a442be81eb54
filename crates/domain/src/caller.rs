//! Who is asking.

use crate::{TenantId, UserId};

/// What somebody may do beyond their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sees everything of the tenant. In open mode every caller has it.
    Observer,
}

/// A set of roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles {
    observer: bool,
}

impl Roles {
    /// None at all.
    pub const NONE: Self = Self { observer: false };

    /// These and `role`.
    pub const fn with(mut self, role: Role) -> Self {
        match role {
            Role::Observer => self.observer = true,
        }
        self
    }

    /// Whether `role` is one of them.
    pub const fn has(self, role: Role) -> bool {
        match role {
            Role::Observer => self.observer,
        }
    }
}

/// Who is asking; all that a handler ever learns of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Where they belong; nothing of another is theirs to see.
    pub tenant: TenantId,
    /// Who they are; nobody, when they only read.
    pub user: Option<UserId>,
    /// What they may do beyond their own.
    pub roles: Roles,
}

impl Caller {
    /// A caller of open mode: they say who they are, and see all of the default tenant.
    pub fn open(user: Option<UserId>) -> Self {
        Self { tenant: crate::DEFAULT_TENANT, user, roles: Roles::NONE.with(Role::Observer) }
    }

    /// Whether `user` is the caller.
    pub fn is(&self, user: &UserId) -> bool {
        self.user.as_ref() == Some(user)
    }
}
