//! What the layers know of the RPCs: what their descriptors say, and nothing by name.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message;
use prost_types::FileDescriptorSet;

/// The one service that needs no credentials and is never shed (`grpc.health.v1`).
const HEALTH: &str = "grpc.health.v1.Health";

/// The versions of the service that may be opened to everybody (`grpc.reflection`).
const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Stands for every method that this server does not have, so that callers can't invent metric labels
/// (OpenTelemetry semantic conventions, `rpc.method`).
const OTHER: &str = "_OTHER";

/// One RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The full name, as `package.Service/Method`.
    pub name: Arc<str>,
    /// Whether either side sends more than one message.
    pub streaming: bool,
    /// Whether it needs no credential.
    pub open: bool,
    /// Whether it is answered also when the server has too much to do.
    pub vital: bool,
}

/// Every RPC of the server, by its path.
#[derive(Debug, Clone)]
pub struct Methods {
    by_path: HashMap<String, Method>,
    services: Vec<String>,
    other: Method,
}

impl Methods {
    /// Reads the services of encoded `google.protobuf.FileDescriptorSet`s; one that stands in several sets counts once.
    ///
    /// # Errors
    /// When the bytes are not a descriptor set.
    pub fn from_descriptor_sets(sets: &[&[u8]]) -> Result<Self, prost::DecodeError> {
        let mut methods = Self {
            by_path: HashMap::new(),
            services: Vec::new(),
            other: Method {
                name: OTHER.into(),
                streaming: false,
                open: false,
                vital: false,
            },
        };
        for set in sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                for service in &file.service {
                    methods.add_service(file.package(), service);
                }
            }
        }
        Ok(methods)
    }

    fn add_service(&mut self, package: &str, service: &prost_types::ServiceDescriptorProto) {
        let service_name = format!("{package}.{}", service.name());
        if self.services.contains(&service_name) {
            return;
        }
        for method in &service.method {
            let name = format!("{service_name}/{}", method.name());
            let described = Method {
                name: name.as_str().into(),
                streaming: method.client_streaming() || method.server_streaming(),
                open: service_name == HEALTH,
                vital: service_name == HEALTH,
            };
            self.by_path.insert(format!("/{name}"), described);
        }
        self.services.push(service_name);
    }

    /// Lets everybody ask reflection which services and messages there are.
    pub fn open_reflection(&mut self) {
        for (path, method) in &mut self.by_path {
            let service = path.trim_start_matches('/').split('/').next();
            method.open |= service.is_some_and(|service| REFLECTION.contains(&service));
        }
    }

    /// The full names of all services, in the order of the descriptors.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// The method behind a request path; unknown ones share one entry.
    pub fn find(&self, path: &str) -> &Method {
        self.by_path.get(path).unwrap_or(&self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::DESCRIPTOR_SETS;

    #[test]
    fn descriptors_tell_streams_from_unary_calls() {
        let methods = Methods::from_descriptor_sets(DESCRIPTOR_SETS).unwrap();
        let check = methods.find("/grpc.health.v1.Health/Check");
        assert!(check.open && check.vital && !check.streaming);
        assert!(methods.find("/grpc.health.v1.Health/Watch").streaming);
        let reflection = methods.find("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
        assert!(reflection.streaming && !reflection.open);
        assert_eq!(&*methods.find("/grpc.health.v1.Health/Invented").name, OTHER);
    }

    #[test]
    fn reflection_can_be_opened_and_nothing_else() {
        let mut methods = Methods::from_descriptor_sets(DESCRIPTOR_SETS).unwrap();
        methods.open_reflection();
        for service in REFLECTION {
            let reflection = methods.find(&format!("/{service}/ServerReflectionInfo"));
            assert!(reflection.open && !reflection.vital, "{service}");
        }
        let opened = methods.by_path.values().filter(|method| method.open).count();
        let of_health = methods.by_path.values().filter(|method| method.vital).count();
        assert_eq!(opened, of_health + REFLECTION.len());
        assert!(!methods.find("/grpc.reflection.v1.ServerReflection/Invented").open);
    }

    #[test]
    fn a_service_of_several_sets_counts_once() {
        let methods = Methods::from_descriptor_sets(&DESCRIPTOR_SETS.repeat(2)).unwrap();
        assert_eq!(
            methods.services(),
            [
                "perses.dashboards.v1.AuditService",
                "perses.dashboards.v1.DashboardService",
                "perses.dashboards.v1.PreferencesService",
                "perses.dashboards.v1.ShareService",
                "perses.dashboards.v1.TemplateService",
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            ]
        );
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(Methods::from_descriptor_sets(&[b"\xff\xff"]).is_err());
    }
}
