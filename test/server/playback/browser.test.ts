import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM, withChromium } from '../../helpers/needs.js';
import { run } from '../../helpers/tools.js';
import { startServer } from '../start-server.js';
import { onDemand, START_MS, selector } from './start-playback.js';

/** How long anything is waited for. */
const LIMIT_MS = 90_000;

const require = createRequire(import.meta.url);

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

/** Files that were made, by what they were made with. */
const files = new Map<readonly string[], Promise<string>>();
let directory = '';

test.before(async () => {
	directory = await mkdtemp(join(tmpdir(), 'kvs-archive-test-'));
});

test.after.always(() => rm(directory, { recursive: true, force: true }));

function makeFile(args: readonly string[]): Promise<string> {
	const known = files.get(args) ?? encode(args, join(directory, `${files.size}.mkv`));
	files.set(args, known);
	return known;
}

async function encode(args: readonly string[], file: string): Promise<string> {
	const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', ...args, file]);
	if (code !== 0) throw new Error(stderr);
	return file;
}

/** One for all tests: it takes longer to start than most of them. */
let browser: Promise<Browser> | null = null;

test.after.always(async () => {
	await (await browser)?.close();
});

/** A page with a player, of another origin than the archive's; each segment takes `delayMs` longer to come. */
async function openPlayer(t: ExecutionContext, { delayMs = 0 } = {}): Promise<Page> {
	const script = await readFile(require.resolve('hls.js'));
	const server = createServer((request, response) => {
		const isScript = request.url === '/hls.js';
		response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
		response.end(isScript ? script : '<video id="video" muted></video><script src="/hls.js"></script>');
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	browser ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
	const page = await (await browser).newPage();
	page.setDefaultTimeout(LIMIT_MS);
	t.teardown(async () => {
		await page.close();
		server.close();
		server.closeAllConnections();
	});
	if (delayMs > 0) {
		await page.route(/get(?:TS|MP4Media)Fragment/, async (route) => {
			await setTimeout(delayMs);
			// A seek ends what is under way.
			await route.continue().catch(() => {});
		});
	}
	await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
	await page.addScriptTag({ content: PLAYER });
	return page;
}

/** What the page has for the tests. Runs in the browser. */
const PLAYER = `
const video = document.getElementById('video');
let hls = null;
let errors = [];
let loaded = [];
const state = () => JSON.stringify({ at: video.currentTime, paused: video.paused, seeking: video.seeking, ready: video.readyState,
	errors, loaded: loaded.slice(-8), buffered: Array.from({ length: video.buffered.length },
	(_, i) => [video.buffered.start(i), video.buffered.end(i)]) });
const within = (promise, what) => new Promise((resolve, reject) => {
	const timer = setTimeout(() => reject(new Error('waited for ' + what + '; ' + state())), ${LIMIT_MS});
	promise.then(resolve, reject).finally(() => clearTimeout(timer));
});
const until = async (isSo, what) => {
	let isOver = false;
	const looks = async () => {
		while (!isOver && !isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
	};
	await within(looks(), what).finally(() => { isOver = true; });
};
async function play(url, onBuffered = () => {}) {
	hls?.destroy();
	errors = [];
	loaded = [];
	hls = new Hls();
	hls.on(Hls.Events.ERROR, (_, { details, fatal, error }) => {
		// Waiting for what is not there yet is no error of the media; and an encoder lets audio begin 21 ms before the video.
		const isStart = details === 'bufferSeekOverHole' && /seeking from 0(?:\\.0\\d*)? to/.test(error?.message);
		// Nor is a load that a seek ends, on a machine slow enough for it to be under way.
		const isWait = details === 'bufferStalledError' || details === 'aborted';
		if (fatal || (!isWait && !isStart)) errors.push(details + ': ' + error?.message);
	});
	hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
		loaded.push(frag.type + ' ' + frag.sn + ' ' + frag.start.toFixed(3) + ' to ' + frag.end.toFixed(3));
		onBuffered(frag);
	});
	const first = new Promise((resolve) => hls.once(Hls.Events.FRAG_BUFFERED, resolve));
	hls.loadSource(url);
	hls.attachMedia(video);
	await within(first, 'the first fragment');
	await within(video.play(), 'play()');
}
const fragmentAt = (seconds) => hls.latestLevelDetails.fragments.find(({ start, end }) => start <= seconds && seconds < end);
async function seekTo(seconds) {
	video.pause();
	const shown = new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)));
	video.currentTime = seconds;
	const mediaTime = await within(shown, 'the picture of ' + seconds);
	await until(() => !video.seeking && video.readyState >= 2, 'the end of the seek to ' + seconds);
	const canvas = new OffscreenCanvas(16, 16);
	const context = canvas.getContext('2d');
	context.drawImage(video, 0, 0, 16, 16);
	const [red] = context.getImageData(8, 8, 1, 1).data;
	const { programDateTime, start } = fragmentAt(mediaTime);
	return { picture: Math.round(red * 219 / 255), ms: programDateTime + (mediaTime - start) * 1000 };
}
async function playToEnd(from) {
	video.currentTime = from;
	video.play().catch(() => {});
	await until(() => video.ended, 'the end');
}
/** Where two parts of what is loaded do not meet, though both are. */
const holes = () => Array.from({ length: video.buffered.length - 1 },
	(_, i) => [video.buffered.end(i), video.buffered.start(i + 1)]).filter(([from, to]) => to - from < 0.5);
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

/** Plays and seeks a session on demand, each segment late. */
async function playOnSlowLine(
	t: ExecutionContext,
	ContainerFormat: string,
	DiscontinuityMode: string,
	clock: 'SERVER' | 'PRODUCER',
): Promise<void> {
	const title = `${ContainerFormat} ${DiscontinuityMode} ${clock}`;
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', await makeFile(brightness), { start: new Date(START_MS) });
	const page = await openPlayer(t, { delayMs: 400 });
	const members = { ContainerFormat, DiscontinuityMode, PlaybackMode: 'ON_DEMAND', ...selector(clock) };
	await inPage(page, `await play(${JSON.stringify(await openSession(call, members))});`);
	await inPage(page, "await until(() => video.currentTime > 1, 'the first second');");
	const epochMs = START_MS + (clock === 'SERVER' ? 1000 : 0);
	for (const seconds of [6.5, 2.3, 4.1]) {
		const { picture, ms } = await inPage<{ picture: number; ms: number }>(page, `return seekTo(${seconds});`);
		const said = `${title}: picture ${picture}`;
		t.true(Math.abs(ms - epochMs - picture * 40) <= 80, `${said} at ${ms - epochMs} ms`);
		t.true(Math.abs(picture / 25 - seconds) < 0.2, `${said} at ${seconds} s`);
	}
	await inPage(page, 'await playToEnd(7);');
	t.deepEqual(
		await inPage(page, 'return holes();'),
		[],
		`${title}: ${await inPage<string>(page, 'return state();')}`,
	);
	t.deepEqual(await inPage(page, 'return errors;'), [], title);
}

for (const mode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
	withChromium(
		`hls.js plays and seeks on a slow line, and knows when each picture was taken: ${mode}`,
		async (t) => {
			// Together: they wait for the line more than they work.
			await Promise.all(
				['FRAGMENTED_MP4', 'MPEG_TS'].flatMap((container) =>
					(['SERVER', 'PRODUCER'] as const).map((clock) => playOnSlowLine(t, container, mode, clock)),
				),
			);
		},
	);
}

withChromium('hls.js plays through a gap and a change of resolution', async (t) => {
	const first = await makeFile([...small, ...avc]);
	const second = await makeFile([...large, ...avc]);
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', first, { start: new Date(START_MS) });
	await server.archive.ingest('door', second, { start: new Date(START_MS + 13_000) });
	const page = await openPlayer(t);
	for (const ContainerFormat of ['FRAGMENTED_MP4', 'MPEG_TS']) {
		const members = onDemand('PRODUCER', { ContainerFormat, DiscontinuityMode: 'ON_DISCONTINUITY' });
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

for (const ContainerFormat of ['FRAGMENTED_MP4', 'MPEG_TS']) {
	withChromium(`hls.js follows a live session: ${ContainerFormat}`, async (t) => {
		const file = await makeFile(brightness);
		const page = await openPlayer(t);
		// Time goes on as the player comes along: a second for each fragment that it has of the video.
		const clock = { nowMs: START_MS + 4500 };
		await page.exposeFunction('moveClock', (fragments: number) => {
			clock.nowMs = START_MS + 4500 + fragments * 1000;
		});
		const { server, call } = await startServer(t, { now: () => clock.nowMs });
		await server.archive.ingest('door', file, { start: new Date(START_MS) });
		const url = await openSession(call, { ContainerFormat, MaxMediaPlaylistFragmentResults: 5 });
		await inPage(
			page,
			`const had = new Set();
			await play(${JSON.stringify(url)}, ({ type, sn }) => { if (type === 'main') moveClock(had.add(sn).size); });`,
		);
		const { to, live } = await inPage<{ to: number; live: boolean }>(
			page,
			`const from = video.currentTime;
			const isNew = () => fragmentAt(video.currentTime)?.programDateTime >= ${START_MS + 5000};
			await until(() => video.currentTime > from + 2 && isNew(), 'what was not there at the start');
			return { to: fragmentAt(video.currentTime).programDateTime, live: hls.latestLevelDetails.live };`,
		);
		t.true(live);
		t.true(to >= START_MS + 5000);
		t.deepEqual(await inPage(page, 'return errors;'), []);
	});
}
