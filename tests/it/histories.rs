//! Histories: many clients at once while everything fails that can, and a proof that they were told nothing but the truth.
//!
//! `make faults` runs thousands of operations: `FAULTS_OPERATIONS` and `FAULTS_SEED` say how many and which.

mod checker;
mod client;
mod deployment;
mod fault;
mod history;
mod scenario;
mod stored;

use std::sync::Arc;

use self::checker::{Finding, Rule, check, report};
use self::client::Client;
use self::deployment::Deployment;
use self::history::{Operation, Outcome, Recorder};
use self::scenario::{CLIENTS, Plan, Progress};
use self::stored::Stored;
use crate::support::TestServer;

/// What an environment variable says, if it says anything.
fn number_from<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_made_up_whatever_fails() {
    let plan = Plan {
        seed: number_from("FAULTS_SEED").unwrap_or_else(rand::random),
        operations: number_from("FAULTS_OPERATIONS").unwrap_or(600),
    };
    eprintln!("seed {}", plan.seed);
    let mut deployment = Deployment::start().await;
    deployment.execute(&plan.grants()).await;
    let recorder = Arc::new(Recorder::default());
    let progress = Arc::new(Progress::default());
    let clients = (0..CLIENTS).map(|_| Client::new(deployment.channel(), Arc::clone(&recorder)));
    let clients: Vec<Client> = clients.collect();
    let last_client = clients[0].clone();

    let (faults, ()) = tokio::join!(
        fault::inject(plan, &mut deployment, &progress),
        scenario::run(plan, clients, &progress)
    );
    deployment.restart_service().await;
    scenario::conclude(&last_client, &recorder).await;

    let (history, stored) = (recorder.history(), Stored::read(&deployment.sql().await).await);
    let findings = check(&history, &stored);
    eprintln!("{}", summary(plan, faults, &history, &findings));
    assert!(
        findings.is_empty(),
        "seed {}: {}",
        plan.seed,
        report(&findings, &history, &stored)
    );
}

/// The run in one line.
fn summary(plan: Plan, faults: usize, history: &[Operation], findings: &[Finding]) -> String {
    let outcomes = || {
        history
            .iter()
            .flat_map(|operation| &operation.attempts)
            .map(|attempt| &attempt.outcome)
    };
    let count = |wanted: fn(&Outcome) -> bool| outcomes().filter(|outcome| wanted(outcome)).count();
    let found = |rule: Rule| findings.iter().filter(|finding| finding.rule == rule).count();
    format!(
        "seed {}: {} operations in {} calls ({} done, {} refused, {} unknown), {faults} faults: \
         {} lost, {} doubled, {} gaps, {} torn, {} contradictions, {} unexplained",
        plan.seed,
        history.len(),
        outcomes().count(),
        count(|outcome| matches!(outcome, Outcome::Done(_))),
        count(|outcome| matches!(outcome, Outcome::Refused(_))),
        count(|outcome| matches!(outcome, Outcome::Unknown(_))),
        found(Rule::Lost),
        found(Rule::Doubled),
        found(Rule::Gap),
        found(Rule::Torn),
        found(Rule::Contradiction),
        found(Rule::Unexplained),
    )
}

/// Runs without faults on a service whose database `sabotage` has changed; gives what is found, and how it is told.
async fn run_sabotaged(operations: usize, sabotage: &str, alter: fn(Client) -> Client) -> (Vec<Finding>, String) {
    let server = TestServer::start_with(|config| config.dashboards.revisions_kept = 100_000).await;
    let sql = server.sql().await;
    sql.batch_execute(sabotage).await.unwrap();
    let recorder = Arc::new(Recorder::default());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = Client::new(server.channel().await, Arc::clone(&recorder));
        // Were a call given up on a slow machine, the one that is sabotaged might be that one.
        clients.push(alter(client.waiting()));
    }
    let last_client = clients[0].clone();
    let plan = Plan { seed: 1, operations };
    sql.batch_execute(&plan.grants()).await.unwrap();
    scenario::run(plan, clients, &Arc::default()).await;
    scenario::conclude(&last_client, &recorder).await;
    let (history, stored) = (recorder.history(), Stored::read(&sql).await);
    let findings = check(&history, &stored);
    let told = report(&findings, &history, &stored);
    eprintln!("{told}");
    (findings, told)
}

fn rules(findings: &[Finding]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_finds_nothing_where_nothing_is_wrong() {
    let (findings, told) = run_sabotaged(250, "", |client| client).await;
    assert!(findings.is_empty(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_finds_that_every_500th_audit_event_is_dropped() {
    // Events of changes alone: those of calls that failed are not in the history. How many of the steps change something
    // depends on who comes first: the sequence begins near its first drop.
    let sabotage = "CREATE SEQUENCE audit_inserts START 400;
        CREATE FUNCTION drop_every_500th() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN RETURN CASE WHEN nextval('audit_inserts') % 500 = 0 THEN NULL ELSE NEW END; END $$;
        CREATE TRIGGER drop_every_500th BEFORE INSERT ON audit_log
            FOR EACH ROW WHEN (NEW.result = 'success') EXECUTE FUNCTION drop_every_500th();";
    let (findings, told) = run_sabotaged(1500, sabotage, |client| client).await;
    assert!(rules(&findings).contains(&Rule::Lost), "{told}");
    assert!(rules(&findings).contains(&Rule::Torn), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_finds_that_request_ids_are_forgotten() {
    let sabotage = "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER forget BEFORE INSERT ON mutation_request FOR EACH ROW EXECUTE FUNCTION forget();";
    let (findings, told) = run_sabotaged(250, sabotage, |client| client).await;
    assert!(rules(&findings).contains(&Rule::Doubled), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_finds_that_etags_are_ignored() {
    let (findings, told) = run_sabotaged(250, "", Client::ignoring_etags).await;
    assert!(rules(&findings).contains(&Rule::Contradiction), "{told}");
    assert!(told.contains("wrote over generation"), "{told}");
}
