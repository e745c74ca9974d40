use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use tokio::sync::{broadcast, mpsc};

use super::input::Parameters;
use crate::api::types::{Event, Events};
use crate::daemon::Gate;

/// Lines that wait for a reader; beyond that it misses some.
const WAITING_LINES: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventParameters {
    /// How many of the last events.
    last: Option<usize>,
    /// `1`: go on with each event as it comes, one JSON object a line.
    #[serde(default)]
    follow: u8,
}

pub(super) async fn events(
    State(gate): State<Arc<Gate>>,
    Parameters(parameters): Parameters<EventParameters>,
) -> Response {
    let (last, live) = gate.events().last_and_live(parameters.last.unwrap_or(usize::MAX));
    if parameters.follow == 0 {
        return Json(Events { events: last }).into_response();
    }
    let (sender, lines) = mpsc::channel(WAITING_LINES);
    tokio::spawn(forward(last, live, sender));
    ([("content-type", "application/x-ndjson")], Body::new(Lines(lines))).into_response()
}

async fn forward(last: Vec<Event>, mut live: broadcast::Receiver<Event>, sender: mpsc::Sender<Bytes>) {
    for event in last {
        if sender.send(line(&event)).await.is_err() {
            return;
        }
    }
    loop {
        match live.recv().await {
            Ok(event) if sender.send(line(&event)).await.is_err() => return,
            // The events are a sample anyhow.
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

fn line(event: &Event) -> Bytes {
    let mut json = serde_json::to_vec(event).unwrap_or_default();
    json.push(b'\n');
    json.into()
}

/// A body that ends when nobody sends any more.
struct Lines(mpsc::Receiver<Bytes>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
