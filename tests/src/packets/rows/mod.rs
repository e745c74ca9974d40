//! The rows, a file for each subject.

mod access;
mod arbitrary;
mod country;
mod fragments;
mod ipv4;
mod ipv6;
mod limits;
mod link;
mod lists;
mod neighbours;
mod operator;
mod protocols;
mod services;
mod sources;

use super::scene::{Scene, USUAL};

pub(super) fn scenes() -> Vec<Scene> {
    let usual = [
        link::rows(),
        ipv4::rows(),
        ipv6::rows(),
        protocols::rows(),
        arbitrary::rows(),
        sources::rows(),
        neighbours::rows(),
        fragments::usual_rows(),
    ];
    let mut scenes = vec![Scene::new("usual", &USUAL, usual.concat())];
    scenes.extend(fragments::scenes());
    scenes.extend(country::scenes());
    scenes.extend(lists::scenes());
    scenes.extend(limits::scenes());
    scenes.extend(services::scenes());
    scenes.extend(access::scenes());
    scenes.extend(operator::scenes());
    scenes
}
