/** Tries in a row that may find the port taken. */
const tries = 50

/**
 * Listens on UDP and TCP of one port that the system chose. A port that is free for UDP may be taken for TCP, be it by a
 * connection that waits for its last packets; then both try another. Nothing listens any more when it fails.
 * @throws Error of `listenTcp` that is not EADDRINUSE, or when it comes every time
 */
export async function onSamePort<Udp extends { readonly port: number }, Tcp>(
  listenUdp: () => Promise<Udp>,
  listenTcp: (port: number) => Promise<Tcp>,
  close: (udp: Udp) => Promise<void>,
): Promise<readonly [Udp, Tcp]> {
  for (let left = tries - 1; ; left -= 1) {
    const udp = await listenUdp()
    try {
      return [udp, await listenTcp(udp.port)]
    } catch (error) {
      await close(udp)
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || left === 0) throw error
    }
  }
}
