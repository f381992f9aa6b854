import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';
import { hasTool, run } from '../../helpers/tools.js';
import { startServer, temporaryDirectory } from '../start-server.js';
import { START_MS, selector } from './start-playback.js';

const require = createRequire(import.meta.url);
const CHROMIUM = '/usr/bin/chromium';

/** Nothing of the machine is needed but its processor; and it plays without being touched. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'];

/** Eight seconds whose n-th picture has the brightness n: a look at it says when it was taken. */
const brightness = (
	"-f lavfi -i color=size=160x120:rate=25:duration=8,geq=lum='16+N':cb=128:cr=128 -f lavfi -i sine=d=8:r=48000 " +
	'-c:v libx264 -preset fast -crf 5 -g 25 -keyint_min 25 -sc_threshold 0 -bf 2 -b_strategy 0 ' +
	'-pix_fmt yuv420p -color_range tv -c:a aac -ac 2'
).split(' ');
const small = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=3'];
const large = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=3'];
const avc = ['-c:v', 'libx264', '-g', '25', '-keyint_min', '25', '-pix_fmt', 'yuv420p'];

async function makeFile(t: ExecutionContext, args: readonly string[]): Promise<string | null> {
	if (!hasTool(t, 'ffmpeg') || !hasTool(t, CHROMIUM, ['--version'])) return null;
	const file = join(await temporaryDirectory(t), 'made.mkv');
	const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', ...args, file]);
	t.is(code, 0, stderr);
	return file;
}

/** A page with a player, of another origin than the archive's. */
async function openPlayer(t: ExecutionContext): Promise<Page> {
	const script = await readFile(require.resolve('hls.js'));
	const server = createServer((request, response) => {
		const isScript = request.url === '/hls.js';
		response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
		response.end(isScript ? script : '<video id="video" muted></video><script src="/hls.js"></script>');
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	let browser: Browser | null = null;
	t.teardown(async () => {
		await browser?.close();
		server.close();
		server.closeAllConnections();
	});
	browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
	const page = await browser.newPage();
	await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
	await page.addScriptTag({ content: PLAYER });
	return page;
}

/** What the page has for the tests. Runs in the browser. */
const PLAYER = `
const until = (isSo, what) => new Promise((resolve, reject) => {
	const began = performance.now();
	const look = () => {
		if (isSo()) return resolve();
		if (performance.now() - began > 30000) return reject(new Error('waited for ' + what + '; ' + state()));
		setTimeout(look, 20);
	};
	look();
});
const video = document.getElementById('video');
let hls = null;
let errors = [];
const state = () => JSON.stringify({ at: video.currentTime, errors, buffered: Array.from({ length: video.buffered.length },
	(_, i) => [video.buffered.start(i), video.buffered.end(i)]) });
async function play(url) {
	hls?.destroy();
	errors = [];
	hls = new Hls();
	hls.on(Hls.Events.ERROR, (_, { details, fatal, error }) => {
		// Waiting for what is not there yet is no error of the media; and an encoder lets sound begin 21 ms before the picture.
		const isStart = details === 'bufferSeekOverHole' && error?.message.includes('seeking from 0 to');
		// Nor is a load that a seek ends, on a machine slow enough for it to be under way.
		const isWait = details === 'bufferStalledError' || details === 'aborted';
		if (fatal || (!isWait && !isStart)) errors.push(details + ': ' + error?.message);
	});
	hls.loadSource(url);
	hls.attachMedia(video);
	await new Promise((resolve) => hls.once(Hls.Events.FRAG_BUFFERED, resolve));
	await video.play();
}
const fragmentAt = (seconds) => hls.latestLevelDetails.fragments.find(({ start, end }) => start <= seconds && seconds < end);
async function seekTo(seconds) {
	video.pause();
	const shown = new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)));
	video.currentTime = seconds;
	const mediaTime = await shown;
	await until(() => !video.seeking && video.readyState >= 2, 'the picture of ' + seconds);
	const canvas = new OffscreenCanvas(16, 16);
	const context = canvas.getContext('2d');
	context.drawImage(video, 0, 0, 16, 16);
	const [red] = context.getImageData(8, 8, 1, 1).data;
	const { programDateTime, start } = fragmentAt(mediaTime);
	return { picture: Math.round(red * 219 / 255), ms: programDateTime + (mediaTime - start) * 1000 };
}
`;

async function openSession(
	call: Awaited<ReturnType<typeof startServer>>['call'],
	members: object,
): Promise<string> {
	const { json } = await call('GetHLSStreamingSessionURL', {
		StreamName: 'door',
		DisplayFragmentTimestamp: 'ALWAYS',
		...members,
	});
	return json.HLSStreamingSessionURL;
}

/** Runs an expression in the page, where {@link PLAYER} is. */
function inPage<Value>(page: Page, expression: string): Promise<Value> {
	return page.evaluate<Value>(`(async () => { ${expression} })()`);
}

test('hls.js plays and seeks a session on demand, and knows when each picture was taken', async (t) => {
	const file = await makeFile(t, brightness);
	if (file === null) return;
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', file, { start: new Date(START_MS) });
	const page = await openPlayer(t);
	for (const ContainerFormat of ['FRAGMENTED_MP4', 'MPEG_TS']) {
		for (const [clock, DiscontinuityMode] of [
			['PRODUCER', 'NEVER'],
			['SERVER', 'ALWAYS'],
		] as const) {
			const label = `${ContainerFormat} ${clock}`;
			const members = { ContainerFormat, DiscontinuityMode, PlaybackMode: 'ON_DEMAND', ...selector(clock) };
			await inPage(page, `await play(${JSON.stringify(await openSession(call, members))});`);
			await inPage(page, "await until(() => video.currentTime > 1, 'the first second');");
			const epochMs = START_MS + (clock === 'SERVER' ? 1000 : 0);
			for (const seconds of [6.5, 2.3, 4.1]) {
				const { picture, ms } = await inPage<{ picture: number; ms: number }>(
					page,
					`return seekTo(${seconds});`,
				);
				// Sound that goes across the borders of fragments makes a timeline that begins anew a little longer.
				const toleranceMs = ContainerFormat === 'MPEG_TS' && DiscontinuityMode === 'ALWAYS' ? 200 : 80;
				t.true(
					Math.abs(ms - epochMs - picture * 40) <= toleranceMs,
					`${label}: picture ${picture} at ${ms - epochMs} ms`,
				);
				t.true(Math.abs(picture / 25 - seconds) < 0.5, `${label}: picture ${picture} at ${seconds} s`);
			}
			await inPage(page, "video.play(); video.currentTime = 7; await until(() => video.ended, 'the end');");
			t.deepEqual(await inPage(page, 'return errors;'), [], label);
		}
	}
});

test('hls.js plays through a change of resolution', async (t) => {
	const files = [await makeFile(t, [...small, ...avc]), await makeFile(t, [...large, ...avc])];
	const [first, second] = files;
	if (first == null || second == null) return;
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', first, { start: new Date(START_MS) });
	await server.archive.ingest('door', second, { start: new Date(START_MS + 3000) });
	const page = await openPlayer(t);
	for (const ContainerFormat of ['FRAGMENTED_MP4', 'MPEG_TS']) {
		const members = { ContainerFormat, PlaybackMode: 'ON_DEMAND', ...selector('PRODUCER') };
		await inPage(page, `await play(${JSON.stringify(await openSession(call, members))});`);
		const widths = await inPage<number[]>(
			page,
			`const widths = [];
			await until(() => video.currentTime > 0.5, 'the first picture');
			widths.push(video.videoWidth);
			await until(() => video.ended, 'the end');
			return [...widths, video.videoWidth];`,
		);
		t.deepEqual(widths, [160, 320], ContainerFormat);
		t.deepEqual(await inPage(page, 'return errors;'), [], ContainerFormat);
	}
});

test('hls.js follows a live session', async (t) => {
	const file = await makeFile(t, brightness);
	if (file === null) return;
	const page = await openPlayer(t);
	for (const ContainerFormat of ['FRAGMENTED_MP4', 'MPEG_TS']) {
		// Time goes on as the playlists are asked for: a second a round of them.
		const playlists = ContainerFormat === 'MPEG_TS' ? 1 : 2;
		const clock = { nowMs: START_MS + 4500 };
		const { server, call } = await startServer(t, {
			now: () => clock.nowMs,
			onRequest: ({ operation }) => {
				if (operation === 'GetHLSMediaPlaylist') clock.nowMs += 1000 / playlists;
			},
		});
		await server.archive.ingest('door', file, { start: new Date(START_MS) });
		const members = { ContainerFormat, MaxMediaPlaylistFragmentResults: 5 };
		await inPage(page, `await play(${JSON.stringify(await openSession(call, members))});`);
		const { from, to, live } = await inPage<{ from: number; to: number; live: boolean }>(
			page,
			`const from = video.currentTime;
			await until(() => video.currentTime > from + 4, 'four seconds of it');
			return { from, to: fragmentAt(video.currentTime).programDateTime, live: hls.latestLevelDetails.live };`,
		);
		t.true(live);
		// It has come to what was not there when it began.
		t.true(to >= START_MS + 5000, `${ContainerFormat}: from ${from} s to ${to - START_MS} ms`);
		t.deepEqual(await inPage(page, 'return errors;'), [], ContainerFormat);
		await inPage(page, 'hls.destroy();');
	}
});
