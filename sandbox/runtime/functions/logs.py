"""What a function prints, in CloudWatch Logs, when its log group exists."""

import time

from moto.logs.models import logs_backends

from sandbox import state

KEPT_EVENTS = 400
"""Events kept in a stream, and KEPT_STREAMS in a group: the sandbox forgets the oldest."""
KEPT_STREAMS = 20


def write(group_name: str, stream_name: str, text: str) -> None:
    """Append lines to a stream; without the group nothing is kept, as without permission on AWS."""
    moment = int(time.time() * 1000)
    events = [{"timestamp": moment, "message": line} for line in text.splitlines() if line]
    with state.LOCK:
        group = logs_backends[state.ACCOUNT_ID][state.REGION].groups.get(group_name)
        if group is None or not events:
            return
        if stream_name not in group.streams:
            group.create_log_stream(stream_name)
            for oldest in list(group.streams)[:-KEPT_STREAMS]:
                group.delete_log_stream(oldest)
        stream = group.streams[stream_name]
        stream.put_log_events(events)
        del stream.events[:-KEPT_EVENTS]
    state.touch("moto-logs")
