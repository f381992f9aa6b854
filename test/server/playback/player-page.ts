import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { sharedBrowser } from '../../helpers/browser.js';

/** How long anything is waited for. */
const LIMIT_MS = 90_000;

const require = createRequire(import.meta.url);

/** A page with a player, of another origin than the archive's; each segment takes `delayMs` longer to come. */
export async function openPlayer(
	t: ExecutionContext,
	{ delayMs = 0, library = 'hls.js' }: { delayMs?: number; library?: 'hls.js' | 'dashjs' } = {},
): Promise<Page> {
	const script = await readFile(fileOf(library));
	const server = createServer((request, response) => {
		const isScript = request.url === '/player.js';
		response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
		response.end(isScript ? script : '<video id="video" muted></video><script src="/player.js"></script>');
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const page = await (await sharedBrowser()).newPage({ viewport: { width: 320, height: 240 } });
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
	await page.addScriptTag({ content: COMMON + (library === 'hls.js' ? HLS_PLAYER : DASH_PLAYER) });
	return page;
}

function fileOf(library: 'hls.js' | 'dashjs'): string {
	if (library === 'hls.js') return require.resolve('hls.js');
	return join(dirname(require.resolve('dashjs')), '../../modern/umd/dash.mediaplayer.min.js');
}

/** What the page has for the tests, whatever the player. Runs in the browser. */
const COMMON = `
const video = document.getElementById('video');
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
/** Seeks, and looks: the brightness of the picture that is shown then, and its time in the media. */
async function seekTo(seconds) {
	video.pause();
	const shown = new Promise((resolve) => {
		// A picture from before the seek may still be on its way to the screen.
		const look = () => video.requestVideoFrameCallback((_, { mediaTime }) =>
			Math.abs(mediaTime - seconds) < 0.5 ? resolve(mediaTime) : look());
		look();
	});
	video.currentTime = seconds;
	const mediaTime = await within(shown, 'the picture of ' + seconds);
	await until(() => !video.seeking && video.readyState >= 2, 'the end of the seek to ' + seconds);
	const canvas = new OffscreenCanvas(16, 16);
	const context = canvas.getContext('2d');
	context.drawImage(video, 0, 0, 16, 16);
	const [red] = context.getImageData(8, 8, 1, 1).data;
	return { picture: Math.round(red * 219 / 255), ms: clockAt(mediaTime) };
}
async function playToEnd(from) {
	video.currentTime = from;
	video.play().catch(() => {});
	await until(() => isOver(), 'the end');
}
/** Where two parts of what is loaded do not meet, though both are. */
const holes = () => Array.from({ length: video.buffered.length - 1 },
	(_, i) => [video.buffered.end(i), video.buffered.start(i + 1)]).filter(([from, to]) => to - from < 0.5);
`;

/** The same of hls.js. */
const HLS_PLAYER = `
let hls = null;
const isOver = () => video.ended;
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
const clockAt = (mediaTime) => {
	const { programDateTime, start } = fragmentAt(mediaTime);
	return programDateTime + (mediaTime - start) * 1000;
};
`;

/** The same of dash.js. */
const DASH_PLAYER = `
let player = null;
let hasEnded = false;
/** It stops a little before the end that the media element waits for. */
const isOver = () => hasEnded;
let manifest = null;
async function play(url) {
	player?.destroy();
	errors = [];
	hasEnded = false;
	player = dashjs.MediaPlayer().create();
	player.on('error', ({ error }) => errors.push(error.code + ': ' + error.message));
	player.on('playbackEnded', () => { hasEnded = true; });
	player.on('playbackError', ({ error }) => errors.push('playback: ' + error));
	const isRead = refresh(url);
	player.initialize(video, url, true);
	await isRead;
	await until(() => video.currentTime > 0 && video.readyState >= 2 && !video.paused, 'the first picture');
}
async function refresh(url) {
	manifest = new DOMParser().parseFromString(await (await fetch(url)).text(), 'text/xml');
}
/** By the attribute of the service's own, which is right across gaps too. */
const clockAt = (mediaTime) => {
	const template = manifest.querySelector('SegmentTemplate');
	const number = (element, name) => Number(element.getAttribute(name));
	const ms = number(template, 'presentationTimeOffset') + mediaTime * 1000;
	const segment = [...template.querySelectorAll('S')].find((one) => number(one, 't') <= ms && ms < number(one, 't') + number(one, 'd'));
	return Date.parse(segment.getAttribute('kvs:ts')) + ms - number(segment, 't');
};
`;

/** Runs an expression in the page, where the code above is. */
export function inPage<Value>(page: Page, expression: string): Promise<Value> {
	return page.evaluate<Value>(`(async () => { ${expression} })()`);
}
