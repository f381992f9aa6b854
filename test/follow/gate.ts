import { createServer, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { listen } from '../helpers/service/listen.js';

/** What becomes of a request: it is refused with an error of the service's, or GetMedia begins after that fragment. */
export type Passage = { readonly refused: string; readonly statusCode: number } | { readonly after: string };

/**
 * Stands before a local archive. Each request waits for what `admit` says of it, by its path and how many of that path there were
 * before; null lets it pass. Data endpoints are its own, as it keeps the `Host`. Returns its address.
 */
export function startGate(
	t: ExecutionContext,
	endpoint: string,
	admit: (path: string, nth: number) => Promise<Passage | null>,
): Promise<string> {
	const counts = new Map<string, number>();
	const server = createServer((incoming, outgoing) => {
		const { 'content-length': _, ...headers } = incoming.headers;
		const { method, url = '' } = incoming;
		const forward = async (): Promise<void> => {
			const body = JSON.parse((await buffer(incoming)).toString());
			const nth = counts.get(url) ?? 0;
			counts.set(url, nth + 1);
			const passage = await admit(url, nth);
			if (passage !== null && 'refused' in passage) {
				outgoing.writeHead(passage.statusCode, { 'x-amzn-errortype': passage.refused });
				outgoing.end(JSON.stringify({ Message: 'no' }));
				return;
			}
			if (passage !== null)
				body.StartSelector = { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: passage.after };
			const forwarded = request(`${endpoint}${url}`, { method, headers }, (response) => {
				outgoing.writeHead(response.statusCode ?? 500, response.headers);
				pipeline(response, outgoing).catch(() => {});
			});
			outgoing.once('close', () => forwarded.destroy());
			forwarded.on('error', () => outgoing.destroy());
			forwarded.end(JSON.stringify(body));
		};
		forward().catch(() => outgoing.destroy());
	});
	return listen(t, server);
}
