"""Several campaigns of one database at the same time."""

import resource
import time


def test_two_campaigns_run_side_by_side(scratch):
    sandbox = scratch.sandbox("--latency", "2")
    scratch.import_list([f"u{i}@d{i % 20}.example" for i in range(800)])
    runs = []
    for name in ("one", "two", "three"):
        file = scratch.campaign(sandbox.port, name=name, relay={"connections": 2})
        runs.append(scratch.start("launch", file, "--yes", "--progress", "never"))
        time.sleep(0.1)
    for run in runs:
        scratch.finish(run)
    for name in ("one", "two", "three"):
        assert scratch.report(name)["counts"]["delivered"] == 800
    assert set(sandbox.counts().values()) == {3}


def test_a_file_size_limit_is_an_error_and_no_signal(scratch):
    rows = "".join(f"u{i}@d{i % 60}.example,name\n" for i in range(3000))
    scratch.write("a.csv", "email,name\n" + rows)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    run = scratch.start("import", "people", "a.csv", preexec_fn=limit)
    _, err = scratch.finish(run, code=74)
    assert err.startswith("broadside: ") and err.count("\n") == 1


def test_standard_output_does_not_change_what_a_launch_says(scratch, sandbox):
    scratch.import_list(["a@x.example"])
    with open("/dev/full", "w") as full:
        run = scratch.start("launch", scratch.campaign(sandbox.port), "--yes", stdout=full)
        scratch.finish(run, code=0)
    assert scratch.report()["counts"]["delivered"] == 1


def test_of_many_launches_at_once_one_sends(scratch):
    sandbox = scratch.sandbox("--latency", "20")
    scratch.import_list([f"u{i}@d{i % 20}.example" for i in range(300)])
    file = scratch.campaign(sandbox.port, relay={"connections": 2})
    runs = [scratch.start("launch", file, "--yes", "--progress", "never") for _ in range(6)]
    errors = []
    for run in runs:
        _, err = run.communicate(timeout=60)
        if run.returncode != 0:
            assert run.returncode == 77, err
            errors.append(err)
    assert len(errors) == 5
    assert all(err.count("\n") == 1 and err.startswith("broadside: ") for err in errors)
    assert set(sandbox.counts().values()) == {1}


def test_too_few_descriptors_are_an_error_and_no_signal(scratch, sandbox):
    people = [f"u{i}@d{i % 5}.example" for i in range(50)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port)
    for most in (8, 9, 12):
        run = scratch.start("launch", file, "--yes", "--progress", "never", preexec_fn=lambda:
                            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
        _, err = scratch.finish(run, code=None)
        assert run.returncode in (71, 74, 77), (most, run.returncode, err)
        file = scratch.campaign(sandbox.port, name=f"c{most}")
    scratch.run("launch", file, "--yes")
    assert sandbox.counts() == {address: 1 for address in people}
