import { Agent, request } from 'node:http';
import type { ExecutionContext } from 'ava';

/** What came back over one connection, as far as it came. */
export interface PlainAnswer {
	/** 0 where no head came. */
	readonly status: number;
	/** The service's name of the error, null without one. */
	readonly awsError: string | null;
	readonly body: Buffer;
	/** The system's or Node's code of what broke the connection, null for an answer that ended. */
	readonly broke: string | null;
}

/** A request under way. */
export interface OpenRequest {
	/** Resolves with the head's status, or 0 where the connection broke before. */
	readonly head: Promise<number>;
	/** Resolves once so many bytes of the body are there. */
	readonly received: (sizeBytes: number) => Promise<void>;
	readonly answer: Promise<PlainAnswer>;
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
		let answered = (_answer: PlainAnswer): void => {};
		const head = new Promise<number>((resolve) => (headed = resolve));
		const answer = new Promise<PlainAnswer>((resolve) => (answered = resolve));
		let status = 0;
		let awsError: string | null = null;
		const settle = (broke: string | null) => {
			headed(status);
			answered({ status, awsError, body: Buffer.concat(chunks), broke });
		};
		const sent = request(`${url}${path}`, { method: 'POST', agent }, (response) => {
			status = response.statusCode ?? 0;
			awsError = (response.headers['x-amzn-errortype'] as string | undefined) ?? null;
			headed(status);
			response.on('data', (chunk: Buffer) => {
				chunks.push(chunk);
				const sizeBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
				for (const { resolve } of waiting.filter((waiter) => waiter.sizeBytes <= sizeBytes)) resolve();
			});
			response.on('end', () => settle(null));
			response.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
		});
		sent.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
		sent.end(JSON.stringify(body));
		return {
			head,
			answer,
			received: (sizeBytes) => new Promise((resolve) => waiting.push({ sizeBytes, resolve })),
			destroy: () => sent.destroy(),
		};
	};
}
