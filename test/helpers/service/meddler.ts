import { createServer, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import type { TestArchive } from './archive.js';
import { listen } from './listen.js';

/** How long helpers keep an idle connection, in milliseconds: longer than any test. */
export const KEEP_ALIVE_MS = 600_000;

/** What a {@link startMeddler} does to the body of a response. `nth` counts the responses of that operation from 0. */
export type Meddle = (response: {
	path: string;
	nth: number;
	body: Buffer;
}) => { status?: number; body: Buffer; cut?: boolean; hang?: boolean } | null;

/**
 * Stands between a client and a local archive and changes what comes back: `null` lets a response pass, `cut` breaks the
 * connection after the body, `hang` leaves it open. Data endpoints in its responses are its own, as it keeps the client's `Host`.
 */
export async function startMeddler(
	t: ExecutionContext,
	{ endpoint }: TestArchive,
	meddle: Meddle,
): Promise<string> {
	const counts = new Map<string, number>();
	// Node's own five seconds may be over on a busy machine just when a client sends the next request.
	const meddler = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
		const path = incoming.url ?? '';
		const { host, ...headers } = incoming.headers;
		const forwarded = request(
			`${endpoint}${path}`,
			{ method: incoming.method, headers: { ...headers, host } },
			(response) => {
				buffer(response)
					.then((body) => pass(response, body))
					.catch(() => outgoing.destroy());
			},
		);
		const pass = (response: IncomingMessage, body: Buffer): void => {
			const nth = counts.get(path) ?? 0;
			counts.set(path, nth + 1);
			const changed = meddle({ path, nth, body });
			const { 'content-length': _, 'transfer-encoding': __, ...responseHeaders } = response.headers;
			outgoing.writeHead(changed?.status ?? response.statusCode ?? 500, responseHeaders);
			if (changed?.hang) outgoing.write(changed.body);
			else if (changed?.cut) outgoing.write(changed.body, () => outgoing.destroy());
			else outgoing.end(changed?.body ?? body);
		};
		pipeline(incoming, forwarded).catch(() => outgoing.destroy());
	});
	return listen(t, meddler);
}
