"""A scheduler that follows a script instead of keeping histories, for what a real one would never do. grpcio serves it.

It knows the calls that a worker makes. Activity tasks come from a queue that the test fills; what the worker reports is kept.
"""

from __future__ import annotations

import queue
import threading
from concurrent import futures

import grpc
from temporalio.api.common.v1 import ActivityType, Payload, Payloads, WorkflowExecution
from temporalio.api.namespace.v1 import NamespaceInfo
from temporalio.api.workflowservice import v1 as api
from temporalio.api.workflowservice.v1 import service_pb2_grpc

LIMIT = 32 << 20


class ScriptScheduler(service_pb2_grpc.WorkflowServiceServicer):
    """Start it in a `with` block. Not every call is answered: what a worker does not use is UNIMPLEMENTED."""

    def __init__(self):
        self.tasks: queue.Queue[api.PollActivityTaskQueueResponse] = queue.Queue()
        self.reports: list[str] = []  # task tokens, in the order of the reports of their ends
        self.polls = 0  # activity polls open now
        self.handed_out = 0  # tasks given to the worker
        self.most_in_hand = 0  # tasks given and not yet reported, at most
        self._may_report = threading.Event()
        self._may_report.set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(64), options=[("grpc.max_receive_message_length", LIMIT), ("grpc.max_send_message_length", LIMIT)])
        service_pb2_grpc.add_WorkflowServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> "ScriptScheduler":
        self._server.start()
        return self

    def __exit__(self, kind, error, trace):
        self._stopping.set()
        self._server.stop(1).wait(10)

    def add_task(self, token: str, activity: str, argument: bytes):
        """Queues an activity task with one JSON argument."""
        self.tasks.put(api.PollActivityTaskQueueResponse(
            task_token=token.encode(), workflow_namespace="default", activity_id=token, attempt=1,
            workflow_execution=WorkflowExecution(workflow_id="script", run_id="script"), activity_type=ActivityType(name=activity),
            input=Payloads(payloads=[Payload(metadata={"encoding": b"json/plain"}, data=argument)])))

    def hold_reports(self):
        """From now on the worker waits for the answer to each report, and so keeps its slot."""
        self._may_report.clear()

    def release_reports(self):
        self._may_report.set()

    # The calls

    def GetSystemInfo(self, request, context):
        return api.GetSystemInfoResponse(server_version="1.0.0")

    def DescribeNamespace(self, request, context):
        return api.DescribeNamespaceResponse(namespace_info=NamespaceInfo(name=request.namespace))

    def PollWorkflowTaskQueue(self, request, context):
        self._hold(context, 50)
        return api.PollWorkflowTaskQueueResponse()

    def PollActivityTaskQueue(self, request, context):
        with self._lock:
            self.polls += 1
        try:
            for _ in range(500):
                try:
                    task = self.tasks.get(timeout=0.1)
                    with self._lock:
                        self.handed_out += 1
                        self.most_in_hand = max(self.most_in_hand, self.handed_out - len(self.reports))
                    return task
                except queue.Empty:
                    if self._stopping.is_set() or not context.is_active():
                        break
            return api.PollActivityTaskQueueResponse()
        finally:
            with self._lock:
                self.polls -= 1

    def RecordActivityTaskHeartbeat(self, request, context):
        return api.RecordActivityTaskHeartbeatResponse()

    def RespondActivityTaskCompleted(self, request, context):
        self._note(request)
        return api.RespondActivityTaskCompletedResponse()

    def RespondActivityTaskFailed(self, request, context):
        self._note(request)
        return api.RespondActivityTaskFailedResponse()

    def RespondActivityTaskCanceled(self, request, context):
        self._note(request)
        return api.RespondActivityTaskCanceledResponse()

    def ShutdownWorker(self, request, context):
        return api.ShutdownWorkerResponse()

    def _note(self, request):
        self._may_report.wait(60)
        with self._lock:
            self.reports.append(request.task_token.decode())

    def _hold(self, context, seconds: float):
        for _ in range(int(seconds * 10)):
            if not context.is_active() or self._stopping.wait(0.1):
                return
