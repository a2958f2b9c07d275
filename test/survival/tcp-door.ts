// A door between a program and a server that can be held or slammed: what a network, or a server that hangs or is gone,
// looks like from the program's side.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpDoor {
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private open = true;
  private held = false;

  private constructor(private readonly server: Server) {}

  static async before(host: string, port: number): Promise<TcpDoor> {
    const server = createServer();
    const door = new TcpDoor(server);
    server.on('connection', (inside: Socket) => door.pass(inside, connect(port, host)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private pass(inside: Socket, outside: Socket): void {
    const pair = [inside, outside] as const;
    const end = () => {
      this.pairs.delete(pair);
      inside.destroy();
      outside.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    if (!this.open) {
      end();
      return;
    }
    this.pairs.add(pair);
    inside.on('data', (chunk: Buffer) => outside.write(chunk));
    outside.on('data', (chunk: Buffer) => inside.write(chunk));
    if (this.held) for (const socket of pair) socket.pause();
  }

  /** Nothing passes, and nobody is told; what was on its way arrives once it is let go. */
  hold(): void {
    this.held = true;
    for (const socket of [...this.pairs].flat()) socket.pause();
  }

  letGo(): void {
    this.held = false;
    for (const socket of [...this.pairs].flat()) socket.resume();
  }

  /** All connections are cut in the middle of whatever they carry, and new ones end at once. */
  slam(): void {
    this.open = false;
    for (const socket of [...this.pairs].flat()) socket.resetAndDestroy();
  }

  reopen(): void {
    this.open = true;
  }

  async stop(): Promise<void> {
    this.slam();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
