//! The evaluator beside its peers: the same question, in one run. Medians and ratios go to the file named by
//! `DAYPASS_BENCH_EVALUATOR`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use daypass_evaluator::{Applicable, Kind, evaluate};

mod ours;
mod peers;
mod question;
mod report;

use peers::Engine;
use question::{Document, REQUESTS, Request, draw};

fn main() {
    let output = std::env::temp_dir().join(format!("daypass-bench-{}", std::process::id()));
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50)
        .output_directory(&output)
        .configure_from_args();
    for count in [10, 100, 1_000] {
        let (documents, requests) = (question::buckets(count), question::of_the_last_bucket(count));
        compare(&mut criterion, &format!("last_of_{count}"), &documents, &requests);
    }
    compare(&mut criterion, "managed_50", &question::managed(), &question::of_every_service());
    all_types(&mut criterion);
    criterion.final_summary();
    report::write(&output);
    let _ = std::fs::remove_dir_all(output);
}

fn compare(criterion: &mut Criterion, name: &str, documents: &[Document], requests: &[Request]) {
    let policies = documents.iter().map(ours::json).collect::<Vec<_>>();
    let policies = ours::compile(&policies, Kind::Managed);
    let contexts = ours::contexts(requests);
    let asked = ours::requests(requests, &contexts);
    let sets = [&policies];
    let applicable = Applicable { identity: &sets, ..Applicable::default() };
    let expected: Vec<bool> =
        asked.iter().map(|request| evaluate(request, &applicable).is_allowed()).collect();
    let allowed = expected.iter().filter(|allowed| **allowed).count();
    assert!(
        allowed == REQUESTS || (allowed > REQUESTS / 5 && allowed < REQUESTS * 4 / 5),
        "{name}: {allowed} allowed"
    );

    let mut group = criterion.benchmark_group(name);
    group.bench_function(BenchmarkId::from_parameter("ours"), |bench| {
        let mut number = 0;
        bench.iter(|| {
            number += 1;
            evaluate(black_box(&asked[draw(number)]), &applicable)
        });
    });
    let engines: [(&str, Box<dyn Engine>); 4] = [
        ("cedar-policy", Box::new(peers::Cedar::new(documents, requests))),
        ("regorus", Box::new(peers::Rego::new(documents, requests))),
        ("casbin", Box::new(peers::Casbin::new(documents, requests))),
        ("iam-rs", Box::new(peers::IamRs::new(documents, requests))),
    ];
    for (peer, mut engine) in engines {
        // Some take a millisecond for an answer: a sample of the requests says whether they were given the same question.
        for (number, expected) in expected.iter().enumerate().step_by(7) {
            assert_eq!(
                engine.allows(number),
                *expected,
                "{peer}: {} {}",
                requests[number].action,
                requests[number].resource
            );
        }
        group.bench_function(BenchmarkId::from_parameter(peer), |bench| {
            let mut number = 0;
            bench.iter(|| {
                number += 1;
                engine.allows(black_box(draw(number)))
            });
        });
    }
    group.finish();
}

fn all_types(criterion: &mut Criterion) {
    let (documents, requests) = (question::buckets(100), question::of_the_last_bucket(100));
    let contexts = ours::contexts(&requests);
    let asked = ours::requests(&requests, &contexts);
    ours::AllTypes::new(&documents).with(|applicable| {
        assert!(asked.iter().all(|request| evaluate(request, applicable).is_allowed()));
        let mut group = criterion.benchmark_group("all_types");
        group.bench_function(BenchmarkId::from_parameter("ours"), |bench| {
            let mut number = 0;
            bench.iter(|| {
                number += 1;
                evaluate(black_box(&asked[draw(number)]), applicable)
            });
        });
        group.finish();
    });
}
