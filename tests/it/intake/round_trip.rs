//! Nothing is rewritten: the text that comes in is the text that comes out.

use dashboard_store::domain::spec::{DashboardSpec, SpecLimits};
use dashboard_store::grpc::proto;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Runtime;

use super::documents::{EVERYTHING, any_dashboard};
use crate::support::TestServer;
use crate::support::requests::{apply, json_text};

const NAME: &str = "projects/p/dashboards/gpu";

/// How many documents go to the database: each takes some milliseconds.
const STORED_DOCUMENTS: u32 = 48;

#[test]
fn a_real_dashboard_comes_back_with_what_lists_show_of_it() {
    let spec = DashboardSpec::parse(EVERYTHING.to_owned(), &SpecLimits::default()).unwrap();
    assert_eq!(spec.text(), EVERYTHING);
    assert_eq!(spec.size_bytes(), EVERYTHING.len());
    assert_eq!(
        (spec.display_name(), spec.description()),
        ("Nodes", "Everything \"Perses\" knows")
    );
    assert_eq!(spec.warnings(), [""; 0]);
}

proptest! {
    #[test]
    fn any_document_inside_the_limits_is_kept_byte_for_byte(text in any_dashboard()) {
        let parsed = DashboardSpec::parse(text.clone(), &SpecLimits::default());
        prop_assert_eq!(parsed.map(|spec| spec.text().to_owned()), Ok(text));
    }
}

#[test]
fn any_document_inside_the_limits_comes_back_from_the_database_byte_for_byte() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let client = runtime.block_on(server.dashboards());
    let mut runner = TestRunner::new(Config {
        cases: STORED_DOCUMENTS,
        failure_persistence: None,
        ..Config::default()
    });
    let stored = |text: String| {
        let mut client = client.clone();
        let back = runtime.block_on(async {
            let applied = apply(&mut client, NAME, text.clone()).await;
            let request = proto::GetDashboardRequest {
                name: NAME.into(),
                ..Default::default()
            };
            let read = client
                .get_dashboard(request)
                .await
                .unwrap()
                .into_inner()
                .dashboard
                .unwrap();
            (applied.spec_sha256, read.spec_sha256, json_text(read.spec))
        });
        let (applied_sha256, read_sha256, read_text) = back;
        prop_assert_eq!(read_text, text);
        prop_assert_eq!(read_sha256, applied_sha256);
        Ok::<(), TestCaseError>(())
    };
    if let Err(failure) = runner.run(&any_dashboard(), stored) {
        panic!("{failure}");
    }
}
