import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { fragmentDocument } from '../helpers/media/payload.js';
import { startArchive } from '../helpers/service/archive.js';
import type { Json } from '../helpers/service/start-server.js';
import { START_MS, videoFragment } from '../server/playback/start-playback.js';
import { pageOf, serveView } from './opened-view.js';

/** Status of a request with these headers. */
function statusOf(
	address: string,
	headers: Readonly<Record<string, string>>,
	method = 'GET',
): Promise<number> {
	return new Promise((resolve, reject) => {
		request(address, { headers, method }, (response) => {
			response.resume();
			resolve(response.statusCode ?? 0);
		})
			.once('error', reject)
			.end();
	});
}

async function recorded(t: ExecutionContext, indexes: readonly number[]): Promise<string> {
	const media = Buffer.concat(indexes.map((index) => fragmentDocument(videoFragment(index))));
	const { endpoint } = await startArchive(t, { cam: media });
	return endpoint;
}

/** What JSON Lines say. */
function linesOf(text: string): Record<string, unknown>[] {
	return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

const range = (from: number, to: number): string => `from=${START_MS + from}&to=${START_MS + to}&by=producer`;

test('requires the token, and refuses other origins and other Host headers', async (t) => {
	const address = await serveView(t, 'http://127.0.0.1:1');
	const { origin, host } = new URL(address);
	t.is(await statusOf(address, {}), 200);
	t.is(await statusOf(`${origin}/`, {}), 403);
	t.is(await statusOf(`${origin}/?token=x`, {}), 403);
	t.is(await statusOf(`${origin}/api/start`, {}), 403);
	t.is(await statusOf(address, { host: 'evil.example' }), 421);
	t.is(await statusOf(address, { host: `evil.example:${new URL(address).port}` }), 421);
	t.is(await statusOf(address, { origin: 'http://evil.example' }), 403);
	t.is(await statusOf(address, { origin: `http://${host}` }), 200);
	const token = new URL(address).searchParams.get('token') ?? '';
	t.is(await statusOf(`${origin}/api/start?token=${token}`, { 'sec-fetch-site': 'cross-site' }), 403);
	t.is(await statusOf(address, {}, 'PUT'), 405);
});

test('a forwarded port is accepted in the Host header, and has a cookie of its own', async (t) => {
	const address = await serveView(t, 'http://127.0.0.1:1');
	const { origin } = new URL(address);
	const headers = { host: 'localhost:8080', origin: 'http://localhost:8080' };
	t.is(await statusOf(address, headers), 200);
	t.is(await statusOf(address, { ...headers, origin: 'http://localhost:9090' }), 403);
	const token = new URL(address).searchParams.get('token');
	const withCookie = (port: number) => ({ ...headers, cookie: `kvs-view-${port}=${token}` });
	t.is(await statusOf(`${origin}/api/start`, withCookie(8080)), 200);
	t.is(await statusOf(`${origin}/api/start`, withCookie(9090)), 403);
});

test('connections past the limit are closed, so that no one takes all of them', async (t) => {
	const address = await serveView(t, 'http://127.0.0.1:1');
	const { port } = new URL(address);
	const sockets = Array.from({ length: 129 }, () => connect(Number(port), '127.0.0.1'));
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
	});
	await Promise.race(sockets.map((socket) => once(socket, 'close')));
	sockets[0]?.end(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
	const [head] = (await once(sockets[0] as Socket, 'data')) as [Buffer];
	t.regex(head.toString(), /^HTTP\/1\.1 403 /);
});

test('the page has a strict content security policy, an HttpOnly cookie, and no external addresses', async (t) => {
	const address = await serveView(t, 'http://127.0.0.1:1');
	const response = await fetch(address);
	t.regex(
		response.headers.get('set-cookie') ?? '',
		/^kvs-view-\d+=[\w-]{32}; Path=\/; HttpOnly; SameSite=Strict$/,
	);
	t.regex(response.headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self';/);
	t.is(response.headers.get('referrer-policy'), 'no-referrer');
	const get = await pageOf(address);
	for (const path of ['/', '/main.js', '/main.css', '/icon.svg']) {
		const file = await get(path);
		t.is(file.status, 200, path);
		const text = await file.text();
		const addresses = [...text.matchAll(/https?:\/\/[^\s"'`)<]+/g)].map(([found]) => found);
		t.deepEqual(
			addresses.filter(
				(found) => !/w3\.org|view\.invalid|invalid|localhost/.test(found) && path !== '/main.js',
			),
			[],
		);
	}
	t.is((await get('/../package.json')).status, 404);
	t.is((await get('/view-server.js')).status, 404);
});

test('a window is listed page by page; one that holds too much is sampled by buckets', async (t) => {
	const indexes = Array.from({ length: 3100 }, (_, index) => index);
	const get = await pageOf(await serveView(t, await recorded(t, indexes)));
	const lines = async (query: string): Promise<{ fragments?: unknown[][]; isWhole?: boolean }[]> =>
		linesOf(await (await get(`/api/window?stream=cam&${query}`)).text());
	const whole = await lines(range(0, 99_999));
	t.deepEqual(whole.at(-1), { isWhole: true });
	const fragments = whole.flatMap((line) => line.fragments ?? []);
	t.is(fragments.length, 50);
	t.deepEqual(fragments.map(([producerMs]) => Number(producerMs) - START_MS).sort((a, b) => a - b)[1], 2000);
	t.deepEqual((await lines(range(0, 10_000_000))).at(-1), { isWhole: false });
	const bucket = async (from: number, to: number): Promise<unknown> =>
		(await get(`/api/bucket?stream=cam&${range(from, to)}`)).json();
	t.true(Array.isArray(await bucket(100_000, 300_000)));
	t.is(await bucket(-20_000, -10_000), null);
	const bounds = linesOf(await (await get('/api/bounds?stream=cam&by=producer')).text());
	t.is(bounds[0]?.['isExact'], false);
	t.deepEqual(bounds.at(-1), { firstMs: START_MS, lastMs: START_MS + 3099 * 2000, isExact: true });
});

test('bounds of a stream that fits one page are exact at once; an empty stream has no bounds', async (t) => {
	const { endpoint, server } = await startArchive(t, {
		cam: Buffer.concat([3, 40].map((index) => fragmentDocument(videoFragment(index)))),
	});
	await server.archive.createStream({ name: 'empty', retentionHours: 24 });
	const get = await pageOf(await serveView(t, endpoint));
	const bounds = async (stream: string): Promise<unknown[]> =>
		linesOf(await (await get(`/api/bounds?stream=${stream}&by=producer`)).text());
	t.deepEqual(await bounds('cam'), [{ firstMs: START_MS + 6000, lastMs: START_MS + 80_000, isExact: true }]);
	t.deepEqual(await bounds('empty'), []);
	const [line] = (await bounds('none')) as { error: { code: string } }[];
	t.is(line?.error.code, 'KVS_NOT_FOUND');
});

test("a session is played through the view server, and the service's token does not reach the page", async (t) => {
	const get = await pageOf(await serveView(t, await recorded(t, [0, 1, 2, 10])));
	const open = async (body: object): Promise<Response> =>
		get('/api/sessions', {
			method: 'POST',
			body: JSON.stringify({ stream: 'cam', by: 'producer', ...body }),
		});
	// In the middle of a fragment: from its start on.
	const session: Json = await (await open({ at: START_MS + 3000 })).json();
	t.is(session.fromMs, START_MS + 2000);
	const master = await (await get(session.path)).text();
	const playlistUri = master.trim().split('\n').at(-1) as string;
	const directory = session.path.slice(0, session.path.lastIndexOf('/') + 1);
	const playlist = await (await get(directory + playlistUri)).text();
	for (const text of [master, playlist]) t.notRegex(text, /SessionToken=(?!\d+\b)/);
	const media = playlist.split('\n').filter((line) => line.startsWith('get'));
	t.is(media.length, 3);
	const segment = await get(directory + media[0]);
	t.is(segment.headers.get('content-type'), 'video/mp2t');
	t.is(new Uint8Array(await segment.arrayBuffer())[0], 0x47);
	const startOf = async (body: object): Promise<unknown> =>
		((await (await open(body)).json()) as Json).fromMs;
	// In a gap: from what comes after it on; and after the last, nothing.
	t.is(await startOf({ at: START_MS + 9000 }), START_MS + 20_000);
	t.is(await startOf({ at: START_MS + 2500, isNext: true }), START_MS + 4000);
	t.is((await open({ at: START_MS + 90_000 })).status, 404);
	t.is((await get('/play/x/master.m3u8')).status, 404);
	t.is((await get(`${directory}..%2f..%2fx`)).status, 404);
});

test('a fragment is read by its number; malformed requests are refused with a reason', async (t) => {
	const get = await pageOf(await serveView(t, await recorded(t, [0, 1])));
	const listing = await (await get(`/api/window?stream=cam&${range(0, 5000)}`)).text();
	const number = JSON.parse(listing.split('\n')[0] as string).fragments.find(
		([ms]: number[]) => ms === START_MS,
	)[4];
	const details: Json = await (
		await get(`/api/fragment?stream=cam&by=producer&at=${START_MS}&number=${number}`)
	).json();
	t.is(details.frames, 50);
	t.is(details.keyframes, 1);
	t.regex(details.tracks[0], /^video 320x240 avc1\./);
	t.is((await get(`/api/fragment?stream=cam&by=producer&at=${START_MS}&number=1`)).status, 404);
	for (const path of [
		'/api/window?stream=cam',
		'/api/window?stream=cam&from=x&to=1&by=producer',
		'/api/window?stream=cam&from=2&to=1&by=producer',
		'/api/bucket?stream=a%20b&from=1&to=2&by=producer',
		'/api/bounds?stream=cam&by=moon',
	]) {
		const response = await get(path);
		t.is(response.status, 400, path);
		t.regex(((await response.json()) as Json).message, /^expected /);
	}
	t.is((await get('/api/sessions', { method: 'POST', body: '[' })).status, 400);
	t.is((await get('/api/%ff')).status, 404);
});
