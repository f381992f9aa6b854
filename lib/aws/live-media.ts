import type { Readable } from 'node:stream';
import type { StartSelector } from '@aws-sdk/client-kinesis-video-media';
import { type DataClient, sendCommand } from './sdk-clients.js';

/** Where a response to GetMedia begins, in the service's own words. */
export type LiveSelector = StartSelector;

/** A response to GetMedia. The body is the caller's: it must be read to its end or destroyed. */
export interface LiveMedia {
	/** A Matroska document for each fragment, one after the other. */
	readonly body: Readable;
	/** When it was made, by the server's clock, to the second; null where the response does not say it. */
	readonly date: Date | null;
}

type Handler = (args: unknown) => Promise<{ readonly response?: unknown }>;

/**
 * Sends a GetMedia command. The `Date` of the response (RFC 9110 §6.6.1) is taken from its headers, as the SDK's result does
 * not have it.
 */
export async function sendGetMedia(
	client: DataClient,
	command: object,
	signal: AbortSignal,
): Promise<LiveMedia> {
	let date: Date | null = null;
	const noteDate =
		(next: Handler): Handler =>
		async (args) => {
			const result = await next(args);
			const { headers } = Object(result.response) as { readonly headers?: Readonly<Record<string, string>> };
			const ms = Date.parse(headers?.['date'] ?? '');
			if (!Number.isNaN(ms)) date = new Date(ms);
			return result;
		};
	const { middlewareStack } = command as {
		readonly middlewareStack: { add(middleware: unknown, options: object): void };
	};
	middlewareStack.add(noteDate, { step: 'deserialize', priority: 'low', name: 'kvsArchiveDate' });
	const { Payload } = await sendCommand(client, command, signal);
	return { body: Payload as Readable, date };
}
