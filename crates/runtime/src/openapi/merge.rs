//! Several services' documents as one.

use std::collections::BTreeMap;

use utoipa::openapi::{OpenApi, Ref, RefOr, example::Example};

use super::complete::responses;
use crate::problem;

/// What `document` says, and then what `other` says.
pub fn merge(mut document: OpenApi, mut other: OpenApi) -> OpenApi {
    let ours = std::mem::take(&mut document.components.get_or_insert_default().examples);
    let theirs = std::mem::take(&mut other.components.get_or_insert_default().examples);
    tell_apart(&mut other, &theirs, &ours);
    // What is left out by this is put in here.
    let (parameters, headers) = other
        .components
        .as_ref()
        .map(|components| (components.parameters.clone(), components.headers.clone()))
        .unwrap_or_default();
    let mut merged = document.merge_from(other);
    let components = merged.components.get_or_insert_default();
    components.examples = theirs.into_iter().chain(ours).collect();
    components.parameters.extend(parameters);
    components.headers.extend(headers);
    merged
}

/// Writes out each of their examples whose name stands for another of ours.
fn tell_apart(
    other: &mut OpenApi,
    theirs: &BTreeMap<String, RefOr<Example>>,
    ours: &BTreeMap<String, RefOr<Example>>,
) {
    let is_another = |name: &String| ours.get(name).is_some_and(|example| theirs.get(name) != Some(example));
    let contents = other.paths.paths.values_mut().flat_map(responses);
    for content in contents.filter_map(|response| response.content.get_mut(problem::CONTENT_TYPE)) {
        let RefOr::T(content) = content else { continue };
        for (name, example) in content.examples.iter_mut().filter(|(name, _)| is_another(name)) {
            if let (RefOr::Ref(Ref { .. }), Some(written_out)) = (&*example, theirs.get(name)) {
                *example = written_out.clone();
            }
        }
    }
}
