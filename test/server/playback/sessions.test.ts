import test from 'ava';
import { FakeClock } from '../fake-clock.js';
import { invalid, missing, OPERATION, startDoor } from './hls-requests.js';
import {
	audioTrack,
	onDemand,
	readPlaylist,
	refusal,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from './start-playback.js';

test('a session ends when its URL expires, with everything under it', async (t) => {
	const { open, ingest, clock } = await startPlayback(t);
	await ingest([videoFragment(0, { tracks: [videoTrack, audioTrack] }), videoFragment(1)]);
	const mp4 = await open(onDemand('PRODUCER', { Expires: 600 }));
	const ts = await open(onDemand('PRODUCER', { Expires: 600, ContainerFormat: 'MPEG_TS' }));
	const addresses: (string | URL)[] = [];
	for (const session of [mp4, ts]) {
		const { url, playlist } = await readPlaylist(session);
		const [segment] = playlist.segments;
		addresses.push(session.url, url, new URL(segment?.uri as string, url));
		if (segment?.map !== undefined && segment.map !== null) addresses.push(new URL(segment.map.uri, url));
	}
	t.is(addresses.length, 7);
	clock.nowMs += 599_999;
	for (const address of addresses) t.is((await fetch(address)).status, 200, String(address));
	clock.nowMs++;
	for (const address of addresses) {
		t.deepEqual(await refusal(address), [403, 'AccessDeniedException', 'Streaming session token is expired']);
	}
});

test('a token that was not issued is refused', async (t) => {
	const { open, ingest } = await startPlayback(t);
	await ingest(videoFragments(1));
	const { url, token } = await open(onDemand());
	const other = await open(onDemand());
	t.not(other.token, token);
	t.regex(token, /^[A-Za-z0-9_-]{64}$/);
	const bytes = Buffer.from(token, 'base64url');
	const forged = [
		'',
		'x',
		`${token}A`,
		`${token}=`,
		token.slice(0, -1),
		// The id of one session with the code of another.
		Buffer.concat([bytes.subarray(0, 16), Buffer.from(other.token, 'base64url').subarray(16)]).toString(
			'base64url',
		),
		...Array.from(bytes.keys(), (index) => {
			const changed = Buffer.from(bytes);
			changed[index] = (changed[index] as number) ^ 1;
			return changed.toString('base64url');
		}),
	];
	for (const text of forged) {
		const address = url.replace(token, text);
		t.deepEqual((await refusal(address)).slice(0, 2), [403, 'AccessDeniedException'], text);
	}
	const without = new URL(url);
	without.search = '';
	t.is((await refusal(without))[0], 403);
	t.is((await fetch(url)).status, 200);
});

test('a stream has any number of sessions, or as many as the option says, and then the oldest ends', async (t) => {
	const unbounded = await startDoor(t);
	const many = await Promise.all(Array.from({ length: 20 }, () => unbounded.open(onDemand())));
	for (const { url } of many) t.is((await fetch(url)).status, 200);

	const { open, ingest, clock } = await startPlayback(t, { hlsSessions: 5 });
	await ingest(videoFragments(1));
	await ingest(videoFragments(1), 'gate');
	const elsewhere = await open({ StreamName: 'gate', ...onDemand() });
	const sessions = [];
	for (let i = 0; i < 7; i++) sessions.push(await open(onDemand('PRODUCER', { Expires: 400 + i })));
	const statuses = await Promise.all(sessions.map(async ({ url }) => (await fetch(url)).status));
	t.deepEqual(statuses, [403, 403, 200, 200, 200, 200, 200]);
	t.is((await fetch(elsewhere.url)).status, 200);
	// One that ended by itself takes no room.
	clock.nowMs += 402_000;
	await open(onDemand());
	t.is((await fetch(sessions[3]?.url as string)).status, 200);
	await t.throwsAsync(startPlayback(t, { hlsSessions: 0 }), { code: 'KVS_INVALID_OPTION' });
});

test('refuses requests for resources that do not match the session', async (t) => {
	const { open, ingest, url: base } = await startPlayback(t);
	await ingest([videoFragment(0, { tracks: [videoTrack, audioTrack] })]);
	await ingest([videoFragment(7)], 'gate');
	const { token } = await open(onDemand());
	const ts = await open(onDemand('PRODUCER', { ContainerFormat: 'MPEG_TS' }));
	const ask = (resource: string, query: string, of = token): Promise<[number, string, string]> =>
		refusal(`${base}/hls/v1/${resource}?SessionToken=${of}${query}`);
	const refusals: [string, string, number, string, string?][] = [
		['getHLSMediaPlaylist.m3u8', '', 400, invalid],
		['getHLSMediaPlaylist.m3u8', '&TrackNumber=3', 400, invalid],
		['getHLSMediaPlaylist.m3u8', '&TrackNumber=one', 400, invalid],
		['getMP4InitFragment.mp4', '&TrackNumber=1&SequenceNumber=1', 404, missing],
		['getMP4InitFragment.mp4', '&TrackNumber=1&SequenceNumber=-1', 400, invalid],
		['getMP4InitFragment.mp4', '', 400, invalid],
		['getMP4MediaFragment.mp4', '&TrackNumber=1', 404, missing],
		// A fragment of another stream.
		['getMP4MediaFragment.mp4', '&TrackNumber=1&FragmentNumber=1000007', 404, missing],
		['getMP4MediaFragment.mp4', '&TrackNumber=1&FragmentNumber=../x', 404, missing],
		['getMP4MediaFragment.mp4', '&FragmentNumber=1000000', 400, invalid],
		['getTSFragment.ts', '&FragmentNumber=1000000', 400, invalid],
		['getMP4MediaFragment.mp4', '&TrackNumber=1&FragmentNumber=1000000', 400, invalid, ts.token],
		['getMP4InitFragment.mp4', '&TrackNumber=1', 400, invalid, ts.token],
		['getHLSPlaylist.m3u8', '', 404, 'UnknownOperationException'],
	];
	for (const [resource, query, status, name, of] of refusals) {
		t.deepEqual((await ask(resource, query, of)).slice(0, 2), [status, name], `${resource}${query}`);
	}
	const post = `${base}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=${token}`;
	t.is((await refusal(post, { method: 'POST' }))[0], 404);
});

test('players on pages of any origin can read a session and its errors', async (t) => {
	const { open, ingest, requests } = await startPlayback(t);
	await ingest(videoFragments(1));
	const session = await open(onDemand());
	const { url, playlist } = await readPlaylist(session);
	const [segment] = playlist.segments;
	const resources: [string | URL, string, RegExp][] = [
		[session.url, 'application/vnd.apple.mpegurl', /^no-store$/],
		[url, 'application/vnd.apple.mpegurl', /^no-store$/],
		[new URL(segment?.map.uri as string, url), 'video/mp4', /^private, max-age=300$/],
		[new URL(segment?.uri as string, url), 'video/mp4', /^private, max-age=300$/],
	];
	for (const [address, type, caching] of resources) {
		const get = await fetch(address);
		const body = Buffer.from(await get.arrayBuffer());
		const head = await fetch(address, { method: 'HEAD' });
		for (const { status, headers } of [get, head]) {
			t.is(status, 200);
			t.is(headers.get('access-control-allow-origin'), '*');
			t.is(headers.get('content-type'), type);
			t.is(headers.get('content-length'), String(body.byteLength));
			t.regex(headers.get('cache-control') ?? '', caching);
		}
		t.is((await head.arrayBuffer()).byteLength, 0);
		const preflight = await fetch(address, { method: 'OPTIONS' });
		t.is(preflight.status, 200);
		t.is(preflight.headers.get('access-control-allow-origin'), '*');
		t.is(preflight.headers.get('access-control-allow-headers'), '*');
	}
	const closed = await fetch(session.url.replace(session.token, 'x'));
	t.is(closed.headers.get('access-control-allow-origin'), '*');
	// The record of a request never has its token.
	t.false(JSON.stringify(requests).includes(session.token));
	const names = new Set(requests.map(({ operation }) => operation));
	t.true(names.has('GetMP4MediaFragment') && names.has('GetHLSMasterPlaylist'));
	t.is(requests.find(({ operation }) => operation === 'GetMP4MediaFragment')?.stream, 'door');
});

test('a request with a foreign Host header is refused, even with a valid token', async (t) => {
	const { open, ingest, url: base } = await startPlayback(t);
	await ingest(videoFragments(1));
	const { url } = await open(onDemand());
	const { request } = await import('node:http');
	const status = await new Promise<number | undefined>((resolve, reject) => {
		const asked = request(url, { headers: { host: 'evil.example' } }, (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		asked.on('error', reject).end();
	});
	t.is(status, 403);
	t.true(url.startsWith(base));
});

test('a session has quotas of its own, and its fragments cost its stream', async (t) => {
	const clock = new FakeClock();
	const { open, ingest, requests, call } = await startPlayback(t, { quotas: 'aws', clock });
	await ingest(videoFragments(30));
	const session = await open(onDemand('PRODUCER', { MaxMediaPlaylistFragmentResults: 700 }));
	const other = await open(onDemand());
	const statuses = async (url: string | URL, count: number): Promise<number[]> => {
		const seen: number[] = [];
		for (let i = 0; i < count; i++) seen.push((await fetch(url)).status);
		return seen;
	};
	const { url, playlist } = await readPlaylist(session);
	t.is(requests.at(-1)?.metadataPoints, 700);
	t.deepEqual(await statuses(session.url, 5), [200, 200, 200, 200, 400]);
	t.deepEqual((await refusal(session.url))[1], 'ClientLimitExceededException');
	t.deepEqual(await statuses(url, 5), [200, 200, 200, 200, 400]);
	const [segment] = playlist.segments;
	t.deepEqual(await statuses(new URL(segment?.map.uri as string, url), 6), [200, 200, 200, 200, 200, 400]);
	const media = await statuses(new URL(segment?.uri as string, url), 21);
	t.deepEqual(media.indexOf(400), 20);
	t.is(requests.findLast(({ operation }) => operation === 'GetMP4MediaFragment')?.fragmentsAsked, 0);
	t.is(requests.find(({ operation }) => operation === 'GetMP4MediaFragment')?.fragmentsAsked, 1);
	t.true(requests.at(-1)?.isThrottled);
	// Each session by itself, and each second anew.
	t.is((await fetch(other.url)).status, 200);
	clock.nowMs += 1000;
	t.deepEqual(await statuses(session.url, 1), [200]);
	// 25 sessions a second, and those that are refused are not begun.
	const asked = await Promise.all(
		Array.from({ length: 26 }, () => call(OPERATION, { StreamName: 'door', ...onDemand() })),
	);
	t.deepEqual(
		asked.map(({ status }) => status).sort((a, b) => a - b),
		[...Array(25).fill(200), 400],
	);
});

test("media playlists use up the stream's metadata points", async (t) => {
	const { open, ingest } = await startPlayback(t, { quotas: 'aws', clock: new FakeClock() });
	await ingest(videoFragments(2));
	const members = onDemand('PRODUCER', { MaxMediaPlaylistFragmentResults: 5000 });
	const sessions = [await open(members), await open(members), await open(members)];
	const addresses = sessions.map(
		({ url, token }) => new URL(`getHLSMediaPlaylist.m3u8?SessionToken=${token}&TrackNumber=1`, url),
	);
	const statuses: number[] = [];
	for (const address of addresses) statuses.push((await fetch(address)).status);
	t.deepEqual(statuses, [200, 200, 400]);
});
