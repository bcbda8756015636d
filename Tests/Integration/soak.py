"""`make soak`: the release worker for SOAK_MINUTES (20) against a real Temporal server, directly and through terminators.

    Tests/Integration/soak.py [MINUTES]

Four workers, each on a queue of its own: `idle` and `direct` dial the server in plaintext, `haproxy` and `nginx` go through a
terminator that demands a client certificate. Runs are started all the time on all but `idle`. The first half is calm: the only
events are the ones that a server makes itself (a GOAWAY to each connection after about five minutes, pings, idle polls that come
back empty). In the second half, before each of the three stands a relay that delays, drips, silences, cuts and resets, and
terminators and the server itself are restarted.

At the end: every run has completed; in the calm half no task was delivered twice and no `too_many_pings` was heard; each task of
the second half that was delivered twice can be laid to a fault of that time; memory and descriptors have not grown.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import random
import re
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import temporalio.client  # noqa: E402

import histories  # noqa: E402
import metrics  # noqa: E402
import projects  # noqa: E402
import proof  # noqa: E402
import relay as relay_module  # noqa: E402
import stage as stage_module  # noqa: E402

# Tests only read, so that runs which overlap do not meet in the warehouse.
PROJECT = {f"tests/{name}.sql": "select pg_sleep(0.4)::text as slept where false" for name in ("one", "two", "three")}
# A lost activity is delivered again after its heartbeat timeout: 60 s unless told otherwise.
PROJECT |= {"dbt_temporal.yml": "timeouts:\n  node_heartbeat_secs: 15\n  plan_secs: 30\n"}
LANES = ["idle", "direct", "haproxy", "nginx"]
# A poll that one partition forwarded to another may be cut off there, at its end, when the other has just given it a task: the
# server loses that task then, whoever polls.
ONE_PARTITION = ("matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
# How long after a fault a task may still be delivered again because of it: a lost workflow task waits for its 10 s, a lost
# activity for its heartbeat timeout and the pause before its next attempt.
AFTERMATH = 150.0
# What a worker may grow by, in MB and descriptors, whatever the length of the soak.
GROWTH_MEGABYTES = 12.0
GROWTH_DESCRIPTORS = 12


@dataclasses.dataclass
class Fault:
    lane: str  # the lane it falls on, or "all"
    kind: str
    begun: float  # seconds since 1970
    ended: float = 0.0

    def may_explain(self, lane: str, scheduled: float, started: float) -> bool:
        """Whether a task that was scheduled and at last started at these times may have been lost to this fault."""
        return self.lane in (lane, "all") and self.begun <= started and self.ended + AFTERMATH >= scheduled


class Lane:
    """One worker, its way to the server, and its runs."""

    def __init__(self, soak: "Soak", name: str):
        self.name = name
        self.soak = soak
        stage = soak.stage
        self.gateway = None
        if name in ("haproxy", "nginx"):
            self.gateway = stage.gateway if name == "nginx" else stage.own(
                stage_module.Gateway(name, stage.folder, stage.certificates, stage.temporal.port))
        target = self.gateway.port if self.gateway else stage.temporal.port
        self.relay = relay_module.Relay(target).start()
        settings = {"TEMPORAL_TASK_QUEUE": name, "DBT_PROJECT_DIR": "/project", "DBT_PROFILES_DIR": "/profiles"}
        mounts = {"/project": soak.project, "/profiles": stage.profiles, "/certs": stage.certificates.folder}
        if self.gateway:
            settings |= {
                "TEMPORAL_TLS_CA": "/certs/ca.crt", "TEMPORAL_TLS_CERT": "/certs/client.crt", "TEMPORAL_TLS_KEY": "/certs/client.key"}
        settings["LOG_LEVEL"] = "info,worker=debug"  # tells which tasks arrived
        self.worker = stage.own(stage_module.Worker(
            stage.folder, stage.root, settings | {"TEMPORAL_ADDRESS": self.relay.address}, mounts, f"worker-{name}")).start()
        self.runs: list[str] = []
        self.memory: list[tuple[float, float]] = []
        self.descriptors: list[int] = []

    def submit(self):
        workflow = f"{self.name}-{len(self.runs)}"
        with contextlib.suppress(Exception):  # while the server restarts, nothing can be started
            self.soak.stage.temporal.cli(
                "workflow", "start", "--type", "dbt_run", "--task-queue", self.name, "--workflow-id", workflow, "--input",
                json.dumps({"command": "test"}), seconds=15)
            self.runs.append(workflow)

    def sample(self):
        assert self.worker.process.poll() is None, f"{self.name}: the worker ended\n{self.worker.log.read_text()[-3000:]}"
        self.memory.append((time.monotonic(), proof.resident_megabytes(self.worker.pid)))
        self.descriptors.append(metrics.descriptors(self.worker.pid))

    def growth(self) -> float:
        """MB between the median of the third quarter of all samples and that of the last; the first half warms up."""
        values = [megabytes for _, megabytes in self.memory]
        quarter = max(1, len(values) // 4)
        return statistics.median(values[-quarter:]) - statistics.median(values[-2 * quarter:-quarter] or values[:1])

    def slope(self) -> float:
        """MB an hour over the second half of all samples, by least squares."""
        half = self.memory[len(self.memory) // 2:]
        if len(half) < 3:
            return 0.0
        return 3600 * statistics.linear_regression(*zip(*half)).slope

    def connections(self) -> int:
        return int(metrics.read(self.worker)["sallyport_connections_total"])

    def log(self) -> str:
        return self.worker.log.read_text(errors="replace")


class Soak:
    def __init__(self, stage: stage_module.Stage, minutes: float, seed: int):
        self.stage = stage
        self.seconds = 60 * minutes
        self.random = random.Random(seed)
        # Faults and pauses of a short soak are shorter, so that it still sees one of each kind.
        self.pace = min(1.0, minutes / 5)
        self.due: list = []
        # Not below the stage's folder: the worker's own user must be able to enter it.
        self.home = tempfile.TemporaryDirectory(prefix="sallyport-soak-")
        pathlib.Path(self.home.name).chmod(0o755)
        self.project = projects.project(pathlib.Path(self.home.name) / "p", PROJECT)
        self.lanes = [Lane(self, name) for name in LANES]
        self.busy = [lane for lane in self.lanes if lane.name != "idle"]
        self.faults: list[Fault] = []
        self.calm_until = 0.0

    def close(self):
        for lane in self.lanes:
            lane.relay.stop()
        self.home.cleanup()

    def run(self):
        begun = time.monotonic()
        calm, storm = begun + 0.5 * self.seconds, begun + 0.9 * self.seconds
        self.live(until=calm)
        self.calm_until = time.time()
        self.check_calm()
        while time.monotonic() < storm:
            self.strike()
            self.live(until=min(storm, time.monotonic() + self.pace * self.random.uniform(2, 12)))
        self.finish()

    def live(self, until: float):
        """Starts a run on each busy lane and looks at the workers, every two seconds, until then."""
        while True:
            for lane in self.busy:
                lane.submit()
            for lane in self.lanes:
                lane.sample()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(2, left))

    # Faults

    def strike(self):
        """The next fault: every kind comes up once, in random order and on a random lane, before any comes up again."""
        if not self.due:
            self.due = [self.reset, self.cut, self.silence, self.delay, self.drip, self.refuse, self.restart_gateway, self.kill_gateway,
                        self.restart_server]
            self.random.shuffle(self.due)
        kind = self.due.pop()
        needs_gateway = kind in (self.restart_gateway, self.kill_gateway)
        kind(self.random.choice([lane for lane in self.busy if lane.gateway or not needs_gateway]))

    def hold(self, longest: float):
        time.sleep(max(0.5, self.pace * self.random.uniform(1, longest)))

    @contextlib.contextmanager
    def noted(self, lane: str, kind: str):
        fault = Fault(lane, kind, time.time())
        self.faults.append(fault)
        try:
            yield
        finally:
            fault.ended = time.time()

    def reset(self, lane: Lane):
        with self.noted(lane.name, "reset"):
            lane.relay.reset()

    def cut(self, lane: Lane):
        with self.noted(lane.name, "cut"):
            lane.relay.cut()

    def silence(self, lane: Lane):
        with self.noted(lane.name, "silence"):
            lane.relay.change(is_silent=True)
            self.hold(8)
            lane.relay.clear()

    def delay(self, lane: Lane):
        with self.noted(lane.name, "delay"):
            lane.relay.change(delay=0.2)
            self.hold(8)
            lane.relay.clear()

    def drip(self, lane: Lane):
        with self.noted(lane.name, "drip"):
            lane.relay.change(bytes_per_second=20)
            self.hold(8)
            lane.relay.clear()

    def refuse(self, lane: Lane):
        with self.noted(lane.name, "refuse"):
            lane.relay.refuse()
            lane.relay.reset()
            self.hold(5)
            lane.relay.refuse(False)

    def restart_gateway(self, lane: Lane):
        with self.noted(lane.name, "gateway restarted"):
            lane.gateway.restart()

    def kill_gateway(self, lane: Lane):
        with self.noted(lane.name, "gateway killed"):
            lane.gateway.stop(signal.SIGKILL)
            time.sleep(1)
            lane.gateway.start()

    def restart_server(self, _: Lane):
        with self.noted("all", "server restarted"):
            self.stage.temporal.restart()

    # Verdicts

    def check_calm(self):
        """What holds when nobody disturbs anything. Runs still under way are looked at in the end."""
        for lane in self.lanes:
            log = lane.log()
            assert "too_many_pings" not in log, f"{lane.name}: the server heard too many pings"
            assert lane.worker.is_ready(), f"{lane.name} is not ready"
            connections = lane.connections()
            print(f"calm: {lane.name}: {connections} connections, {len(lane.runs)} runs started")
            expired = self.seconds * 0.5 / (5.5 * 60)
            if lane.name in ("idle", "direct"):
                assert connections >= 1 + int(expired), f"{lane.name}: the server replaces connections every 5 min ± 10 %"

    def finish(self):
        for lane in self.lanes:
            lane.relay.clear()
        print(f"{len(self.faults)} faults: " + ", ".join(
            f"{sum(fault.kind == kind for fault in self.faults)} x {kind}" for kind in sorted({fault.kind for fault in self.faults})))
        self.check_runs()
        for lane in self.lanes:
            lane.sample()
            self.check_worker(lane)

    async def read_histories(self) -> dict[str, dict]:
        """Every run's history, once it has ended, through the official SDK: the command line takes half a second for each."""
        client = await temporalio.client.Client.connect(self.stage.temporal.address)
        deadline = time.monotonic() + 180
        found = {}
        for workflow in (workflow for lane in self.busy for workflow in lane.runs):
            run = client.get_workflow_handle(workflow)
            with contextlib.suppress(temporalio.client.WorkflowFailureError, TimeoutError):
                await asyncio.wait_for(run.result(), max(5.0, deadline - time.monotonic()))
            found[workflow] = (await run.fetch_history()).to_json_dict()
        return found

    def check_runs(self):
        read = asyncio.run(self.read_histories())
        for lane in self.busy:
            tasks, repeated, unexplained = 0, [], []
            for workflow in lane.runs:
                history = read[workflow]
                kind = histories.close_kind(history)
                assert kind == "COMPLETED", f"{workflow}: {kind}: {json.dumps(history['events'][-1])[:2000]}"
                for scheduled, started, attempt, what in task_starts(history):
                    tasks += 1
                    if attempt == 1:
                        continue
                    repeated.append(what)
                    if not any(fault.may_explain(lane.name, scheduled, started) for fault in self.faults):
                        unexplained.append(f"{workflow}: {what}, attempt {attempt}, started {started - scheduled:.1f} s after it was scheduled")
                        unexplained += [line for line in lane.log().splitlines() if f'"{workflow}"' in line]
            print(f"{lane.name}: {len(lane.runs)} runs completed, {tasks} tasks, {len(repeated)} delivered more than once")
            for what in sorted(set(repeated)):
                print(f"  {repeated.count(what)} x {what}")
            assert lane.runs, f"{lane.name}: no run was started"
            assert not unexplained, "\n".join(unexplained)

    def check_worker(self, lane: Lane):
        megabytes = [value for _, value in lane.memory]
        settled = lane.descriptors[len(lane.descriptors) // 8]
        print(
            f"{lane.name}: resident {megabytes[0]:.1f} to {megabytes[-1]:.1f} MB, at most {max(megabytes):.1f}; in the last quarter "
            f"{lane.growth():+.1f} MB, slope of the second half {lane.slope():+.1f} MB/h; descriptors {settled} to "
            f"{lane.descriptors[-1]}; {lane.connections()} connections, {lane.relay.accepted} dials seen")
        assert "too_many_pings" not in lane.log(), f"{lane.name}: the server heard too many pings"
        assert lane.growth() < GROWTH_MEGABYTES, f"{lane.name} grew"
        assert lane.descriptors[-1] <= settled + GROWTH_DESCRIPTORS, f"{lane.name} leaks descriptors"
        assert lane.worker.stop() == 0, f"{lane.name} did not stop in order"


def seconds_of(text: str) -> float:
    """Seconds since 1970 of a time as the command line prints it, with up to nine decimals."""
    whole, decimals = re.fullmatch(r"([^.Z]+)(\.\d+)?Z", text).groups()
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + float(decimals or 0)


def task_starts(history: dict):
    """For each task that was started: when it was scheduled and when it was started, its attempt, and what it was.

    A workflow task that was answered too late to see an event which the server had meanwhile is refused by the server
    (UNHANDLED_COMMAND) and made again with the next attempt: nothing was lost, so it counts as a first attempt.
    """
    at = {event["eventId"]: event for event in history["events"]}
    ended = ""  # how the workflow task before ended, if not well
    for event in history["events"]:
        if "workflowTaskFailedEventAttributes" in event:
            ended = event["workflowTaskFailedEventAttributes"].get("cause", "failed").removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
        elif "workflowTaskTimedOutEventAttributes" in event:
            ended = event["workflowTaskTimedOutEventAttributes"].get("timeoutType", "timed out")
        for kind in ("workflowTask", "activityTask"):
            started = event.get(f"{kind}StartedEventAttributes")
            if started is None:
                continue
            scheduled = at[started["scheduledEventId"]]
            detail = scheduled[f"{kind}ScheduledEventAttributes"]
            attempt = int(started.get("attempt") or detail.get("attempt") or 1)
            if kind == "activityTask":
                what = "activity after " + started.get("lastFailure", {}).get("message", "nothing")[:100]
            else:
                what = f"workflow task after {ended or 'nothing'}"
                attempt = 1 if ended == "UNHANDLED_COMMAND" else attempt
                ended = ""
            yield seconds_of(scheduled["eventTime"]), seconds_of(event["eventTime"]), attempt, what


def main() -> int:
    minutes = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SOAK_MINUTES", "20"))
    seed = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"soak: {minutes:g} minutes, SOAK_SEED={seed}", flush=True)
    with stage_module.Stage("nginx", settings=ONE_PARTITION) as stage:
        soak = Soak(stage, minutes, seed)
        try:
            soak.run()
        except BaseException:
            print(stage.logs()[-8000:], file=sys.stderr)
            raise
        finally:
            soak.close()
    print("soak: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
