import type { ExecutionContext } from 'ava';
import { KvsArchive } from 'kvs-archive';
import { createViewServer, type ViewServerOptions } from '#lib/view/view-server.js';
import { unlimited } from '../helpers/service/unlimited.js';

/** Serves the page on a free port for the streams of a service. Returns its address, token included; closed with the test. */
export async function serveView(
	t: ExecutionContext,
	endpoint: string,
	options: Partial<ViewServerOptions> = {},
): Promise<string> {
	const server = createViewServer({
		openArchive: (streamName) => new KvsArchive({ streamName, endpoint, limiter: unlimited }),
		streams: [],
		range: null,
		commandFlags: ['--endpoint', endpoint],
		...options,
	});
	t.teardown(() => server[Symbol.asyncDispose]());
	return server.listen(0);
}

/** Requests as the page makes them, with its cookie. */
export async function pageOf(
	address: string,
): Promise<(path: string, init?: { method: string; body?: string }) => Promise<Response>> {
	const page = await fetch(address);
	await page.arrayBuffer();
	const cookie = (page.headers.get('set-cookie') ?? '').split(';')[0] as string;
	const { origin } = new URL(address);
	return (path, init) => fetch(origin + path, { ...init, headers: { cookie } });
}
