import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A line to the product that can go silent without an end, as a network does. */
export class Relay {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private silent = false;

  private constructor(port: number) {
    this.server = createServer((client) => {
      const server = connect(port, "127.0.0.1");
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.sockets.add(from);
        from.on("data", (part) => this.silent || to.write(part));
        from.on("close", () => {
          this.sockets.delete(from);
          to.destroy();
        });
        from.on("error", () => from.destroy());
      }
    });
  }

  static async to(url: string): Promise<Relay> {
    const relay = new Relay(Number(new URL(url).port));
    await new Promise<void>((resolve) => relay.server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on nothing arrives, on either side. */
  silence(): void {
    this.silent = true;
  }

  /** New connections work again; those of the silence stay dead. */
  restore(): void {
    for (const socket of this.sockets) socket.destroy();
    this.silent = false;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
