// Longer than 300 lines: one page is opened and looked at from place to place; starting a browser costs more than all of it.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { KvsArchive } from 'kvs-archive';
import { createArchiveServer } from 'kvs-archive/server';
import type { Page } from 'playwright-core';
import { withChromium } from '../helpers/needs.js';
import { freePort } from '../helpers/service/free-port.js';
import { startServer } from '../helpers/service/start-server.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { serveView } from './opened-view.js';
import { terminalPicture } from './terminal-picture.js';
import {
	countedFilm,
	downloadOf,
	goTo,
	namedColor,
	openPage,
	screenshot,
	shownFrame,
	shownMs,
	TEST_LIMIT_MS,
	timelineColor,
	waitForShown,
	waitForText,
	waitUntil,
} from './view-page.js';

const require = createRequire(import.meta.url);

const START_MS = Date.UTC(2026, 0, 31, 14);

/** Where the parts of the recording begin: after a gap with other codecs, and after more than a session lasts. */
const SECOND_MS = START_MS + 32_000;
const THIRD_MS = START_MS + 15 * 60_000;

/** Of a row of the timeline: the middle of its band, from the top. */
const BAND_Y = 24 + 18 + 48 + 13;

interface Recorded {
	readonly endpoint: string;
	readonly directory: string;
	readonly close: () => Promise<void>;
}

/** An archive for several tests: 20 s with audio, a gap of 12 s, 10 s of another size without, and what is minutes apart. */
let recorded: Promise<Recorded> | null = null;

test.after.always(async () => {
	await (await recorded)?.close();
});

async function record(): Promise<Recorded> {
	const directory = await mkdtemp(join(tmpdir(), 'kvs-view-test-'));
	const server = createArchiveServer({ dataDirectory: join(directory, 'data') });
	const listening = once(server, 'listening');
	server.listen(0, '127.0.0.1');
	await listening;
	const first = await countedFilm(directory, 'a.mp4', { seconds: 20, size: '640x360', hasAudio: true });
	const second = await countedFilm(directory, 'b.mp4', { seconds: 10, size: '480x288', hasAudio: false });
	const third = await countedFilm(directory, 'c.mp4', { seconds: 8, size: '480x288', hasAudio: false });
	const { archive } = server;
	await archive.ingest('cam', first, { start: new Date(START_MS) });
	await archive.ingest('cam', second, { start: new Date(SECOND_MS) });
	await archive.ingest('late', second, { start: new Date(START_MS) });
	await archive.ingest('late', third, { start: new Date(THIRD_MS) });
	await archive.ingest('door', first, { start: new Date(START_MS) });
	const close = async (): Promise<void> => {
		const closed = once(server, 'close');
		server.close();
		server.closeAllConnections();
		await closed;
		await rm(directory, { recursive: true });
	};
	return { endpoint: server.endpoint, directory, close };
}

async function noTrouble(t: ExecutionContext, page: Page, errors: readonly string[]): Promise<void> {
	await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
	const found = (await page.evaluate(
		'axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(({ html }) => html)]))',
	)) as [string, string, string[]][];
	t.deepEqual(found, []);
	t.deepEqual(errors, []);
}

withChromium('what is stored is drawn, played across a gap and a codec change, and exported', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	recorded ??= record();
	const { endpoint, directory } = await recorded;
	const range = { fromMs: START_MS - 8000, toMs: SECOND_MS + 18_000 };
	const address = await serveView(t, endpoint, { streams: ['cam'], range });
	const { page, errors } = await openPage(t, address);

	await waitForText(page, 'description', /not recorded \(12 s\).*codec change to video 480x288/s);
	const at = (ms: number): number => (ms - range.fromMs) / (range.toMs - range.fromMs);
	t.is(await timelineColor(page, at(START_MS + 10_500), BAND_Y), await namedColor(page, 'recorded'));
	t.is(await timelineColor(page, at(START_MS + 26_500), BAND_Y), await namedColor(page, 'nothing'));
	t.is(await timelineColor(page, at(SECOND_MS), BAND_Y), await namedColor(page, 'codec'));

	// A click plays from there; the picture is the one of the time that is said.
	const box = await page.locator('#rows').boundingBox();
	await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) * at(START_MS + 4000), (box?.y ?? 0) + BAND_Y);
	await waitForShown(page, START_MS + 5000);
	await page.click('#play');
	const pausedMs = await settledMs(page);
	t.true(Math.abs(pausedMs - START_MS - (await shownFrame(page)) * 40) <= 40);
	await page.click('#next-frame');
	await waitForShown(page, pausedMs + 20);
	const steppedMs = await settledMs(page);
	t.is(Math.round((steppedMs - pausedMs) / 40), 1);
	t.true(Math.abs(steppedMs - START_MS - (await shownFrame(page)) * 40) <= 40);

	// Across the gap, from one session into the next, as the codecs change.
	await goTo(page, START_MS + 18_500);
	await page.click('#play');
	await waitForText(page, 'message', /^Nothing was recorded for 12 s/);
	await waitForShown(page, SECOND_MS + 1000);
	await page.click('#play');
	const secondMs = await settledMs(page);
	t.true(Math.abs(secondMs - SECOND_MS - (await shownFrame(page)) * 40) <= 40);

	await waitForText(page, 'details', /480x288.*Frames.*50, of which 1 key frames/s);
	await screenshot(page, 'view-light');
	await noTrouble(t, page, errors);

	// A range is marked and exported.
	await goTo(page, START_MS + 2000);
	await settledMs(page);
	await page.click('#mark-start');
	await goTo(page, START_MS + 8000);
	await settledMs(page);
	await page.click('#mark-end');
	await page.click('#export');
	await waitForText(page, 'export-message', /^The export is done/);
	const file = join(directory, 'saved.mp4');
	// From the picture that is on the screen then, and the audio with it.
	t.regex(
		await downloadOf(page, () => page.click('#export-files a'), file),
		/^cam-2026-01-31T14-00-0(1\.9|2)/,
	);
	const { stdout } = await promisify(execFile)('ffprobe', [
		'-v',
		'error',
		'-show_entries',
		'format=duration',
		'-of',
		'csv=p=0',
		file,
	]);
	t.true(Math.abs(Number(stdout) - 6) < 2.1, stdout);
	t.regex(
		(await page.locator('#command').textContent()) ?? '',
		/^kvs-archive export --stream cam --from 2026-01-31T14:00:0\d\S+ --to /,
	);
	const png = join(directory, 'saved.png');
	t.regex(await downloadOf(page, () => page.click('#save-picture'), png), /\.png$/);
	t.is(readFileSync(png).subarray(1, 4).toString(), 'PNG');

	const [from, to] = [range.fromMs, range.toMs].map((ms) => new Date(ms).toISOString()) as [string, string];
	const args = [
		'timeline',
		'--stream',
		'cam',
		'--by',
		'producer',
		'--from',
		from,
		'--to',
		to,
		'--endpoint',
		endpoint,
	];
	t.regex(await terminalPicture(t, args, 'terminal'), /span 1/);
});

withChromium('playback continues in the next session minutes later; a link shows the same', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	recorded ??= record();
	const { endpoint } = await recorded;
	const address = await serveView(t, endpoint, { streams: ['late'] });
	const place = `#t=${new Date(START_MS + 8500).toISOString()}&z=60000&clock=producer&s=late`;
	const { page, errors } = await openPage(t, `${address}${place}`);
	await page.click('#play');
	await waitForText(page, 'message', /^Nothing was recorded for 14 min 50 s/);
	await waitForShown(page, THIRD_MS + 400);
	await page.click('#play');
	t.true(Math.abs((await settledMs(page)) - THIRD_MS - (await shownFrame(page)) * 40) <= 40);
	await waitUntil(page, `/#t=2026-01-31T14:15:0/.test(location.hash)`);
	const { page: other } = await openPage(t, page.url());
	await waitForText(other, 'description', /recorded/);
	t.is(
		await other.locator('#playhead').getAttribute('aria-valuenow'),
		await page.locator('#playhead').getAttribute('aria-valuenow'),
	);
	t.deepEqual(errors, []);
});

withChromium('an expired session is reported, and another one plays from the chosen moment', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	const directory = await temporaryDirectory(t);
	let nowMs = START_MS + 3_600_000;
	const { server, url } = await startServer(t, { now: () => nowMs });
	// Longer than the 30 s and a fragment that the player loads ahead.
	const film = await countedFilm(directory, 'long.mp4', { seconds: 80, size: '160x120', hasAudio: false });
	await server.archive.createStream({ name: 'long', retentionHours: 24 * 30 });
	await server.archive.ingest('long', film, { start: new Date(START_MS) });
	const address = await serveView(t, url, { streams: ['long'] });
	const place = `#t=${new Date(START_MS).toISOString()}&z=60000&clock=producer&s=long`;
	const { page, errors } = await openPage(t, `${address}${place}`);
	await page.click('#play');
	await waitForShown(page, START_MS + 400);
	await page.evaluate(`{
		const message = document.getElementById('message');
		window.said = [];
		new MutationObserver(() => window.said.push(message.textContent)).observe(message, { childList: true, subtree: true });
	}`);
	// Longer than any session lasts.
	nowMs += 24 * 3_600_000;
	await goTo(page, START_MS + 78_000);
	await waitForShown(page, START_MS + 78_000);
	await page.click('#play');
	const pausedMs = await settledMs(page);
	t.true(Math.abs(pausedMs - START_MS - (await shownFrame(page)) * 40) <= 40);
	const said = (await page.evaluate('window.said')) as string[];
	t.true(
		said.includes('The playback session has ended or expired: another session is opened.'),
		said.join('\n'),
	);
	t.deepEqual(errors, []);
});

withChromium('after a reported failure, playback resumes from the chosen moment', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	recorded ??= record();
	const { endpoint } = await recorded;
	const address = await serveView(t, endpoint, { streams: ['cam'] });
	const place = `#t=${new Date(START_MS + 4500).toISOString()}&z=60000&clock=producer&s=cam`;
	const goOn = [(page: Page) => goTo(page, START_MS + 10_500), (page: Page) => page.click('#play')];
	await Promise.all(
		goOn.map(async (choose) => {
			const { page, errors } = await openPage(t, `${address}${place}`);
			const media = /\/play\/.*(MP4MediaFragment|TSFragment)/;
			let left = 2;
			let onShown = (): void => {};
			const isShown = new Promise<void>((resolve) => {
				onShown = resolve;
			});
			await page.route(media, async (route) => {
				if (left-- > 0) return route.continue();
				await isShown;
				return route.fulfill({ status: 403 });
			});
			await page.click('#play');
			await waitForShown(page, START_MS + 4800);
			onShown();
			await waitForText(page, 'message', /^The media do not come .*HTTP 403.*Choose the moment again/);
			await page.unroute(media);
			const stoppedMs = await shownMs(page);
			await choose(page);
			await waitForShown(page, stoppedMs + 400);
			t.is(await page.locator('#message').textContent(), '');
			if ((await page.locator('#play').textContent()) === 'Play') await page.click('#play');
			await waitForShown(page, START_MS + 14_000);
			t.deepEqual(errors, []);
		}),
	);
});

withChromium('the page works by the keyboard alone, on a phone screen, in dark mode', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	recorded ??= record();
	const { endpoint } = await recorded;
	const address = await serveView(t, endpoint, { streams: ['cam', 'door'] });
	const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true } as const;
	const { page, errors } = await openPage(
		t,
		`${address}#t=${new Date(START_MS + 6000).toISOString()}&z=40000`,
		phone,
	);
	await waitForText(page, 'description', /cam: .*recorded.*door: .*recorded/s);
	const focused = (): Promise<string> => page.evaluate('document.activeElement.id');
	for (let tabs = 0; tabs < 60 && (await focused()) !== 'playhead'; tabs++) await page.keyboard.press('Tab');
	t.is(await focused(), 'playhead');
	const playheadMs = async (): Promise<number> =>
		Number(await page.locator('#playhead').getAttribute('aria-valuenow'));
	const beforeMs = await playheadMs();
	await page.keyboard.press('ArrowRight');
	await waitUntil(
		page,
		`Number(document.getElementById('playhead').getAttribute('aria-valuenow')) > ${beforeMs}`,
	);
	t.true(Math.abs((await playheadMs()) - beforeMs - 1000) < 2);
	await page.keyboard.press('Enter');
	await waitForShown(page, beforeMs + 1500);
	await page.keyboard.press('k');
	const pausedMs = await settledMs(page);
	t.true(Math.abs(pausedMs - START_MS - (await shownFrame(page)) * 40) <= 40);
	await page.keyboard.press('.');
	await waitForShown(page, pausedMs + 20);
	await page.keyboard.press('+');
	await waitUntil(page, `/z=2\\d{4}&/.test(location.hash)`);
	await page.keyboard.press('i');
	await page.keyboard.press('l');
	await page.keyboard.press('o');
	await waitForText(page, 'marked', /cam: .*, \d+(\.\d)? s$/);
	t.true(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
	t.is(await page.locator('video').count(), 2);
	await screenshot(page, 'view-phone-dark');
	await noTrouble(t, page, errors);
	await page.setViewportSize({ width: 1200, height: 1000 });
	await page.evaluate('scrollTo(0, 0)');
	await waitForText(page, 'description', /recorded/);
	await screenshot(page, 'view-dark');
});

withChromium('new media is followed live; an unreachable service is reported until it returns', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	const directory = await temporaryDirectory(t);
	const film = await countedFilm(directory, 'c.mp4', { seconds: 10, size: '640x360', hasAudio: false });
	const dataDirectory = join(directory, 'data');
	const port = await freePort();
	const server = await startServer(t, { dataDirectory, port });
	await server.server.archive.ready;
	await server.server.archive.createStream({ name: 'live', retentionHours: 24 });
	const producer = new KvsArchive({ streamName: 'live', endpoint: server.url, limiter: unlimited });
	t.teardown(() => producer.close());
	const stop = new AbortController();
	const fed = (async () => {
		for await (const _ of producer.feed(film, { pace: 'realtime', loop: true, signal: stop.signal })) {
			// Acknowledgements are of no interest here.
		}
	})().catch(() => {});
	const address = await serveView(t, server.url, { streams: ['live'] });
	const { page, errors } = await openPage(t, address);
	await waitForText(page, 'description', /live: .*: recorded/);
	await page.click('#live');
	await waitForText(page, 'shown-time', /after it was taken/);
	const firstMs = await shownMs(page);
	await waitForShown(page, firstMs + 2000);
	t.is(await page.locator('#live').getAttribute('aria-pressed'), 'true');
	// A session that gives no response any more: another one is opened, and goes on.
	let cutSession: string | undefined;
	await page.route(/\/play\//, (route) => {
		const session = /\/play\/([^/]+)/.exec(route.request().url())?.[1];
		cutSession ??= session;
		return session === cutSession ? route.abort('timedout') : route.continue();
	});
	await waitForShown(page, (await shownMs(page)) + 8000);
	t.is(await page.locator('#message').textContent(), '');
	await page.unroute(/\/play\//);
	stop.abort();
	await fed;
	await server.close();
	await goTo(page, firstMs);
	await waitForText(page, 'message', /does not respond|refused|The media do not come/);
	for (let clicks = 0; clicks < 5; clicks++) await page.click('#zoom-out');
	await waitForText(page, 'description', /not yet known/);
	await waitForText(page, 'message', /the request is repeated in a moment/);
	const again = createArchiveServer({ dataDirectory });
	again.listen(port, '127.0.0.1');
	await once(again, 'listening');
	t.teardown(() => {
		again.closeAllConnections();
		again.close();
	});
	await waitUntil(page, `!/not yet known/.test(document.getElementById('description').textContent)`);
	await goTo(page, firstMs);
	await waitUntil(page, `document.getElementById('message').textContent === ''`);
	t.deepEqual(errors, []);
});

withChromium('streams that cannot be played say why, and what to do', async (t) => {
	t.timeout(TEST_LIMIT_MS);
	const directory = await temporaryDirectory(t);
	const server = await startServer(t);
	await server.server.archive.ready;
	const { archive } = server.server;
	const ffmpeg = promisify(execFile);
	const audio = join(directory, 'audio.mp4');
	await ffmpeg('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=d=4', '-c:a', 'aac', audio]);
	const vp9 = join(directory, 'vp9.webm');
	await ffmpeg('ffmpeg', [
		'-v',
		'error',
		'-f',
		'lavfi',
		'-i',
		'testsrc=d=2:s=160x90',
		'-c:v',
		'libvpx-vp9',
		'-deadline',
		'realtime',
		vp9,
	]);
	await archive.ingest('audio', audio, { start: new Date(START_MS) });
	await archive.ingest('vp9', vp9, { start: new Date(START_MS) });
	await archive.createStream({ name: 'empty', retentionHours: 24 });
	await archive.createStream({ name: 'forgetful', retentionHours: 0 });
	const address = await serveView(t, server.url);
	const { page, errors } = await openPage(t, address);
	await waitForText(page, 'stream-list', /audio.*empty.*forgetful keeps nothing \(retention 0\).*vp9/s);
	await page.click('#stream-list button:has-text("empty")');
	await waitForText(page, 'message', /Nothing is stored in this stream\. Put something into it/);
	const show = async (stream: string): Promise<void> => {
		await page.goto('about:blank');
		await page.goto(`${address}#t=${new Date(START_MS + 500).toISOString()}&z=10000&s=${stream}`);
		await page.click('#play');
	};
	await show('vp9');
	await waitForText(page, 'message', /UnsupportedStreamMediaType|cannot be played.*kvs-archive frames/s);
	await show('audio');
	await waitForShown(page, START_MS + 1000);
	await waitForText(page, 'details', /audio only/);
	await show('forgetful');
	await waitForText(page, 'message', /keeps nothing|no retention|retention/i);
	await show('missing');
	await waitForText(page, 'message', /not found|does not exist/i);
	t.deepEqual(errors, []);
});

/** The time that is shown once nothing moves any more. */
async function settledMs(page: Page): Promise<number> {
	await waitUntil(page, `document.querySelector('video').paused && !document.querySelector('video').seeking`);
	await page.evaluate(
		'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
	);
	return shownMs(page);
}
