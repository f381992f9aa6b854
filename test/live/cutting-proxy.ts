import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** A TCP proxy before a server, whose connections a test breaks. */
export interface CuttingProxy {
	readonly endpoint: string;
	/** Connections so far. */
	readonly opened: () => number;
	/** Of them, those that are open now. */
	readonly open: () => number;
}

/**
 * Starts one; stops when the test is over. `cutAfter` says after how many bytes of responses a connection is broken, by its
 * number from 0; `Infinity`: never. Data endpoints that the server responds with are the proxy's own, as it keeps the `Host`.
 */
export async function startCuttingProxy(
	t: ExecutionContext,
	endpoint: string,
	cutAfter: (nth: number) => number,
): Promise<CuttingProxy> {
	const { hostname, port } = new URL(endpoint);
	const sockets = new Set<Socket>();
	let opened = 0;
	const proxy = createServer((client) => {
		let leftBytes = cutAfter(opened++);
		const server = connect(Number(port), hostname);
		const close = (): void => {
			client.destroy();
			server.destroy();
		};
		sockets.add(client);
		client.once('close', () => {
			sockets.delete(client);
			close();
		});
		server.once('close', close);
		for (const socket of [client, server]) socket.on('error', close);
		client.on('data', (chunk) => void server.write(chunk));
		server.on('data', (chunk: Buffer) => {
			const isCut = chunk.byteLength >= leftBytes;
			const part = isCut ? chunk.subarray(0, leftBytes) : chunk;
			leftBytes -= part.byteLength;
			server.pause();
			client.write(part, () => {
				if (isCut) client.resetAndDestroy();
				else server.resume();
			});
		});
	});
	proxy.listen(0, '127.0.0.1');
	await once(proxy, 'listening');
	t.teardown(async () => {
		proxy.close();
		for (const socket of sockets) socket.destroy();
		await once(proxy, 'close');
	});
	return {
		endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
		opened: () => opened,
		open: () => sockets.size,
	};
}
