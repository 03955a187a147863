//! The gRPC listener: Envoy asks here. Local only, as the check listener is.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aeolus_decide::Reason;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Either};
use hyper::body::Incoming;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::body::{Body, whole};
use crate::codec::Dialect;
use crate::codec::ext_authz::{self, CheckRequest, CheckResponse};
use crate::gate::Gate;
use crate::observe::Via;

/// The one method that is served.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Most bytes of a check; a request's head is at most as large.
const MOST: usize = 256 * 1024;

/// Answers one call. What can't be read is an error of gRPC, which Envoy takes for a denial.
pub async fn serve(gate: Arc<Gate>, request: Request<Incoming>) -> Response<Body> {
    if request.uri().path() != CHECK {
        return failed(&Status::new(Code::Unimplemented, "no such method"));
    }
    let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
    let mut grpc = Grpc::new(codec).max_decoding_message_size(MOST);
    let (parts, body) = grpc.unary(Check(gate), request).await.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(
            parts,
            Either::Right(body.map_err(|never: Infallible| match never {}).boxed()),
        ),
        Err(status) => failed(&status),
    }
}

/// The answer that is an error of gRPC: all of it is in the headers.
fn failed(status: &Status) -> Response<Body> {
    status.clone().into_http::<()>().map(|()| whole(""))
}

struct Check(Arc<Gate>);

impl UnaryService<CheckRequest> for Check {
    type Response = CheckResponse;
    type Future =
        Pin<Box<dyn Future<Output = Result<tonic::Response<CheckResponse>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<CheckRequest>) -> Self::Future {
        let gate = Arc::clone(&self.0);
        Box::pin(async move {
            let check = request.into_inner();
            let via = Via {
                dialect: Dialect::EnvoyGrpc,
                lines: &check,
            };
            let judged = match ext_authz::parse(&check) {
                Some(question) => gate.check(&question, via).await,
                None => gate.refuse(Reason::TargetForm, None, via),
            };
            let mut answer = ext_authz::render(&judged.verdict, &check);
            ext_authz::stamp(&mut answer, &judged.stamp);
            Ok(tonic::Response::new(answer))
        })
    }
}
