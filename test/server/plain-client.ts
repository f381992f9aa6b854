import { Agent, request } from 'node:http';
import type { ExecutionContext } from 'ava';

/** What came back over one connection, as far as it came. */
export interface PlainResponse {
	/** 0 where no head came. */
	readonly status: number;
	/** The service's name of the error, null without one. */
	readonly awsError: string | null;
	readonly body: Buffer;
	/** The system's or Node's code of what broke the connection, null for a response that ended. */
	readonly broke: string | null;
}

/** A request under way. */
export interface OpenRequest {
	/** Resolves with the head's status, or 0 where the connection broke before. */
	readonly head: Promise<number>;
	/** Resolves once so many bytes of the body are there. */
	readonly received: (sizeBytes: number) => Promise<void>;
	readonly response: Promise<PlainResponse>;
	/** Goes away. */
	readonly destroy: () => void;
}

/** Sends requests with nothing but `node:http`, each over a connection of its own. */
export function plainClient(
	t: ExecutionContext,
	url: string,
): (operation: string, body: unknown) => OpenRequest {
	const agent = new Agent({ keepAlive: false });
	t.teardown(() => agent.destroy());
	return (operation, body) => {
		const path = `/${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
		const chunks: Buffer[] = [];
		const waiting: { sizeBytes: number; resolve: () => void }[] = [];
		let headed = (_status: number): void => {};
		let ended = (_response: PlainResponse): void => {};
		const head = new Promise<number>((resolve) => (headed = resolve));
		const response = new Promise<PlainResponse>((resolve) => (ended = resolve));
		let status = 0;
		let awsError: string | null = null;
		const settle = (broke: string | null) => {
			headed(status);
			ended({ status, awsError, body: Buffer.concat(chunks), broke });
		};
		const sent = request(`${url}${path}`, { method: 'POST', agent }, (incoming) => {
			status = incoming.statusCode ?? 0;
			awsError = (incoming.headers['x-amzn-errortype'] as string | undefined) ?? null;
			headed(status);
			incoming.on('data', (chunk: Buffer) => {
				chunks.push(chunk);
				const sizeBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
				for (const { resolve } of waiting.filter((waiter) => waiter.sizeBytes <= sizeBytes)) resolve();
			});
			incoming.on('end', () => settle(null));
			incoming.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
		});
		sent.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
		sent.end(JSON.stringify(body));
		return {
			head,
			response,
			received: (sizeBytes) => new Promise((resolve) => waiting.push({ sizeBytes, resolve })),
			destroy: () => sent.destroy(),
		};
	};
}
