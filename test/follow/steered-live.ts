import { createServer, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { listen } from '../helpers/listen.js';

/**
 * Stands before a local archive, and has each GetMedia wait for what `steer` says: after which fragment it is to begin, whatever the
 * client wants; null leaves it as it is. Data endpoints are its own, as it keeps the `Host`. Returns its address.
 */
export function startSteeredLive(
	t: ExecutionContext,
	endpoint: string,
	steer: () => Promise<string | null>,
): Promise<string> {
	const server = createServer((incoming, outgoing) => {
		const { 'content-length': _, ...headers } = incoming.headers;
		const { method, url } = incoming;
		const forward = async (): Promise<void> => {
			const body = JSON.parse((await buffer(incoming)).toString());
			const after = url === '/getMedia' ? await steer() : null;
			if (after !== null)
				body.StartSelector = { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: after };
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
