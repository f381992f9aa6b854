import type { ExecutionContext } from 'ava';
import { type ArchiveServer, type ArchiveServerOptions, createArchiveServer } from '#lib/server/index.js';

/** A running server, its address, and a call that gives status, headers and JSON of the response. */
export interface StartedServer {
	readonly server: ArchiveServer;
	readonly url: string;
	readonly call: (
		operation: string,
		body: unknown,
	) => Promise<{ status: number; headers: Headers; json: Json }>;
	readonly close: () => Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: responses are looked into field by field
export type Json = any;

/** Starts a server, on a port that the system gives where none is named, and closes it with the test. */
export async function startServer(
	t: ExecutionContext,
	{ port = 0, ...options }: ArchiveServerOptions & { readonly port?: number } = {},
): Promise<StartedServer> {
	const server = createArchiveServer(options);
	await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
	const url = server.endpoint;
	let closed: Promise<void> | null = null;
	const close = () => {
		closed ??= new Promise<void>((resolve) => {
			server.close(() => resolve());
			server.closeAllConnections();
		});
		return closed;
	};
	t.teardown(close);
	return { server, url, call, close };

	async function call(operation: string, body: unknown) {
		const path = `/${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
		const text = typeof body === 'string' ? body : JSON.stringify(body);
		const response = await fetch(url + path, { method: 'POST', body: text });
		return { status: response.status, headers: response.headers, json: await response.json() };
	}
}

/** A selector of everything on one clock. */
export const everything = {
	FragmentSelectorType: 'PRODUCER_TIMESTAMP',
	TimestampRange: { StartTimestamp: 0, EndTimestamp: 1e10 },
};
