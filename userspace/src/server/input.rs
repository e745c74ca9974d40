//! What a request brings, with failures in the shape of every other failure.

use std::convert::Infallible;

use axum::Json;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::serve::IncomingStream;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;

use crate::api::{Failure, peer};
use crate::daemon::{Caller, Credentials};

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let json = Json::<T>::from_request(request, state).await;
        json.map(|Json(body)| Self(body)).map_err(|rejection| Failure::usage(rejection.body_text()))
    }
}

/// The parameters behind the question mark.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|rejection| Failure::usage(rejection.body_text()))
    }
}

/// The variable part of the path.
pub(super) struct Segment<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segment<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(segment)| Self(segment)).map_err(|rejection| Failure::usage(rejection.body_text()))
    }
}

/// Whoever asks: the program at the other end of the socket, and its SSH session where there is one.
pub(super) struct Asker(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(peer::HEADER).and_then(|value| value.to_str().ok());
        let Connection(credentials) =
            parts.extensions.get::<ConnectInfo<Connection>>().map_or(UNKNOWN, |info| info.0);
        Ok(Self(Caller { credentials: Some(credentials), ssh: header.and_then(|text| text.parse().ok()) }))
    }
}

/// The kernel's word on who connected.
#[derive(Clone, Copy, Debug)]
pub struct Connection(Credentials);

/// A peer that the kernel does not know: the overflow user, never taken for the daemon itself.
const UNKNOWN: Connection = Connection(Credentials { uid: 65_534, gid: 65_534, pid: None });

impl Connected<IncomingStream<'_, UnixListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let Ok(peer) = stream.io().peer_cred() else { return UNKNOWN };
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
        Self(Credentials { uid: peer.uid(), gid: peer.gid(), pid })
    }
}
