/** What a peer is called in calls and incidents: address and port, or "unix" where it has none. */
export function peerName(
  socket: { remoteAddress?: string | undefined; remotePort?: number | undefined } | undefined,
): string {
  return socket?.remoteAddress === undefined ? "unix" : `${socket.remoteAddress}:${socket.remotePort}`;
}
