"""When the packets of a recording are shown, also where recordings were joined whose stamps start anew."""

from __future__ import annotations

from bisect import insort

import av


class PacketClock:
    """The time of packets, which goes on where the stamps of recordings that were joined start anew.

    Parameters
    ----------
    decoding_is_timed : bool
        Whether the container tells when packets are decoded; else the times when they are shown count.
    reordered : int
        Behind how many packets that are shown later one may come in the latter case. However long a pause is, no frame
        comes behind more; one that does is of a recording that was joined on.
    """

    def __init__(self, decoding_is_timed: bool, reordered: int):
        self._decoding_is_timed, self._reordered = decoding_is_timed, reordered
        self._latest: dict[str, list[int]] = {}  # ascending, no more than decide
        self._offset, self._step = 0, 1

    def read(self, packet: av.Packet) -> tuple[int | None, bool]:
        """Tell when a packet's frame is shown; packets come in the order in which they are decoded.

        Parameters
        ----------
        packet : av.Packet
            The next packet.

        Returns
        -------
        int or None
            The time in the stream's unit; None where the packet tells none. The first frame of what was joined on
            follows one frame after the last one before.
        bool
            Whether the stamps start anew here.
        """
        if packet.dts is None or not self._decoding_is_timed:
            kind, now, tolerance = "pts", packet.pts, self._reordered
        else:
            kind, now, tolerance = "dts", packet.dts, 1
        restart = False
        if now is not None:
            latest = self._latest.setdefault(kind, [])
            restart = len(latest) > tolerance and now < latest[0]
            if restart:
                self._offset += latest[-1] - now + self._step
                self._latest = {kind: (latest := [])}
            passed = now - latest[-1] if latest else 0
            self._step = packet.duration or (passed if passed > 0 else self._step)
            insort(latest, now)
            del latest[: -tolerance - 1]
        return None if packet.pts is None else packet.pts + self._offset, restart
