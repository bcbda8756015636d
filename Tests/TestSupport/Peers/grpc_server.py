"""A grpcio server for the tests of GRPCClient: python grpc_server.py PORT.

It serves the unary methods of gRPC's interoperability tests (grpc.testing.TestService) and a few of its own
(/sally.Test/...) that answer as the request's metadata ask. Messages are bytes here; the interoperability messages are
declared at run time, so that no generated code is needed.
"""
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
cancelled = {}
lock = threading.Lock()


def declare():
    """The messages of grpc/testing/messages.proto, as far as they are used."""
    file = descriptor_pb2.FileDescriptorProto(name="messages.proto", package="grpc.testing", syntax="proto3")

    def message(name, *fields):
        proto = file.message_type.add(name=name)
        for number, field, kind, of in fields:
            proto.field.add(name=field, number=number, type=kind, label=FIELD.LABEL_OPTIONAL, type_name=of)

    message("BoolValue", (1, "value", FIELD.TYPE_BOOL, None))
    message("Payload", (1, "type", FIELD.TYPE_INT32, None), (2, "body", FIELD.TYPE_BYTES, None))
    message("EchoStatus", (1, "code", FIELD.TYPE_INT32, None), (2, "message", FIELD.TYPE_STRING, None))
    message(
        "SimpleRequest",
        (2, "response_size", FIELD.TYPE_INT32, None),
        (3, "payload", FIELD.TYPE_MESSAGE, ".grpc.testing.Payload"),
        (6, "response_compressed", FIELD.TYPE_MESSAGE, ".grpc.testing.BoolValue"),
        (7, "response_status", FIELD.TYPE_MESSAGE, ".grpc.testing.EchoStatus"),
        (8, "expect_compressed", FIELD.TYPE_MESSAGE, ".grpc.testing.BoolValue"),
    )
    message("SimpleResponse", (1, "payload", FIELD.TYPE_MESSAGE, ".grpc.testing.Payload"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.testing." + name))
        for name in ("SimpleRequest", "SimpleResponse")
    ]


SimpleRequest, SimpleResponse = declare()
CODES = {code.value[0]: code for code in grpc.StatusCode}


def metadata(context):
    return {key: value for key, value in context.invocation_metadata()}


def echo_metadata(context):
    """The custom_metadata case: one field comes back before the message, one after it."""
    given = metadata(context)
    initial = given.get("x-grpc-test-echo-initial")
    if initial is not None:
        context.send_initial_metadata((("x-grpc-test-echo-initial", initial),))
    trailing = given.get("x-grpc-test-echo-trailing-bin")
    if trailing is not None:
        context.set_trailing_metadata((("x-grpc-test-echo-trailing-bin", trailing),))


def empty_call(request, context):
    echo_metadata(context)
    return b""


def unary_call(data, context):
    request = SimpleRequest.FromString(data)
    echo_metadata(context)
    if request.HasField("response_compressed") and request.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    if request.HasField("response_status") and request.response_status.code:
        context.set_code(CODES[request.response_status.code])
        context.set_details(request.response_status.message)
        return b""
    response = SimpleResponse()
    response.payload.body = bytes(request.response_size)
    return response.SerializeToString()


def status(request, context):
    """Ends with the code and message of the metadata; `early` sends the headers apart from the trailers."""
    given = metadata(context)
    if "early" in given:
        context.send_initial_metadata(())
    if "details-bin" in given:
        context.set_trailing_metadata((("grpc-status-details-bin", given["details-bin"]),))
    if given.get("code", "0") == "0":
        return b"fine"
    context.abort(CODES[int(given["code"])], request.decode("utf-8", "replace"))


def sleep(request, context):
    """Sleeps as long as the metadata say, and remembers under `name` when it was cancelled."""
    given = metadata(context)
    name = given.get("name", "")

    def ended():
        with lock:
            cancelled[name] = time.monotonic()

    if name:
        context.add_callback(ended)
    end = time.monotonic() + float(given.get("seconds", "0"))
    while time.monotonic() < end and context.is_active():
        time.sleep(0.01)
    return request


def was_ended(request, context):
    """Whether the call of that name has ended on the server's side."""
    with lock:
        return b"yes" if request.decode() in cancelled else b"no"


def size(request, context):
    return bytes(int(metadata(context)["bytes"]))


def repeat(request, context):
    """The metadata come back as text, one field a line."""
    return "\n".join(f"{k}={v!r}" for k, v in context.invocation_metadata() if k != "user-agent").encode()


def three(request, context):
    yield b"one"
    yield b"two"
    yield b"three"


UNARY = {
    "/grpc.testing.TestService/EmptyCall": empty_call,
    "/grpc.testing.TestService/UnaryCall": unary_call,
    "/sally.Test/Status": status,
    "/sally.Test/Sleep": sleep,
    "/sally.Test/WasEnded": was_ended,
    "/sally.Test/Size": size,
    "/sally.Test/Repeat": repeat,
    "/sally.Test/Echo": lambda request, context: request,
}


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/sally.Test/Three":
            return grpc.unary_stream_rpc_method_handler(three)
        method = UNARY.get(details.method)
        return grpc.unary_unary_rpc_method_handler(method) if method else None


def main():
    unlimited = [("grpc.max_receive_message_length", 4 << 20), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=160), handlers=[Handler()], options=unlimited)
    if server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}") == 0:
        sys.exit("the port is taken")
    server.start()
    server.wait_for_termination()


main()
