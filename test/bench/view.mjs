/*
 * npm run bench:view [-- --fragments N --seconds N --minutes N --data DIRECTORY]: the page of `kvs-archive view` in Chromium,
 * without a graphics processor, over a million stored fragments: how soon it draws after the first page of the listing came, how
 * evenly it draws while one pans and zooms (so many seconds each; 0: not at all), and whether the memory of page and server stays
 * flat while one looks around at random (so many minutes; 0: not at all). `--data`: keeps the recording there for the next time.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { rangeOf, record, scratch, serve, smallPicture } from './recording.mjs';
import { heapAfterCollection, residentBytes, startView } from './view-process.mjs';

const { values } = parseArgs({
	options: {
		fragments: { type: 'string', default: '1000000' },
		seconds: { type: 'string', default: '10' },
		minutes: { type: 'string', default: '10' },
		data: { type: 'string' },
		chromium: { type: 'string', default: '/usr/bin/chromium' },
	},
});
const SECONDS_EACH = Number(values.seconds);
const MINUTES = Number(values.minutes);
/** The page is opened so often; the first time the process has done nothing before. */
const OPENINGS = 3;
/** Frames of the screen that take longer are late. */
const LATE_MS = 32;
const MAX_LATE = 0.1;
/** Of 60 frames a second, with what a clock of whole frames is wrong by. */
const MAX_MEDIAN_MS = 17.5;
const MAX_FIRST_DRAW_MS = 1000;
const MAX_GROWTH = 1.1;
/**
 * Printed without a verdict: the archive is not what is measured, and a renderer under Playwright keeps the bodies of responses for the
 * developer tools (up to 200 MB).
 */
const UNJUDGED = new Set(['resident, archive', 'resident, renderers']);
/** Memory is looked at after so many places. */
const PLACES_EACH = 10;

const data = values.data ?? join(scratch(), 'data');
const count = Number(values.fragments);
if (existsSync(join(data, 'streams'))) print('recorded before', data);
else {
	const beganMs = Date.now();
	await record(data, { fragments: count, frames: 5, ...(await smallPicture()) });
	print(`s to record ${count} fragments`, ((Date.now() - beganMs) / 1000).toFixed(0));
}
const range = rangeOf(count);
const archive = await serve(data);
const view = await startView(['--stream', 'camera', '--endpoint', archive.endpoint]);
const browser = await chromium.launch({
	executablePath: values.chromium,
	args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
});
let missed = 0;
try {
	let page = null;
	for (let opening = 1; opening <= OPENINGS; opening++) {
		await page?.close();
		page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
		await measureOpening(page, opening);
	}
	if (SECONDS_EACH > 0) await measureMovement(page);
	if (MINUTES > 0) await measureMemory(page);
} finally {
	await browser.close();
	await view.stop();
	await archive.stop();
}
process.stdout.write(`\n${missed === 0 ? 'all targets met' : `${missed} targets missed`}\n`);
process.exitCode = missed === 0 ? 0 : 1;

function print(what, figure, isMet = null, target = '') {
	const verdict = isMet === null ? '' : isMet ? `  met (${target})` : `  MISSED (${target})`;
	process.stdout.write(`${what.padEnd(58)} ${figure}${verdict}\n`);
	if (isMet === false) missed++;
}

/** From the first response of a listing, that of the bounds, to the first frame in which something is drawn as recorded. */
async function measureOpening(page, opening) {
	// The middle of the band of the first row; what is recorded is blue there, and nothing else is.
	await page.addInitScript(`
		const isRecorded = () => {
			const canvas = document.getElementById('canvas');
			if (canvas === null || canvas.clientWidth === 0) return false;
			const y = Math.round(103 * canvas.width / canvas.clientWidth);
			const row = canvas.getContext('2d').getImageData(0, y, canvas.width, 1).data;
			for (let x = 0; x < row.length; x += 4) if (row[x + 2] > row[x] + 60) return true;
			return false;
		};
		globalThis.firstDraw = new Promise((resolve) => {
			const look = () => isRecorded() ? resolve(performance.now()) : requestAnimationFrame(look);
			requestAnimationFrame(look);
		});
		globalThis.frames = async (seconds) => {
			const lengths = [];
			let before = performance.now();
			const end = before + seconds * 1000;
			while (before < end) {
				const now = await new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));
				lengths.push(now - before);
				before = now;
			}
			return lengths;
		};
		globalThis.known = async () => {
			const isKnown = () => {
				const text = document.getElementById('description').textContent;
				return text !== '' && !text.includes('not yet known');
			};
			while (!isKnown()) await new Promise((resolve) => setTimeout(resolve, 50));
			return performance.now();
		};`);
	await page.goto(view.address);
	const drawnMs = await page.evaluate('firstDraw');
	const knownMs = await page.evaluate('known()');
	const listedMs = await page.evaluate(
		"Math.min(...performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/bounds')).map(({ responseStart }) => responseStart))",
	);
	print(
		`${opening}. opening: ms from the first page of the listing to drawing`,
		(drawnMs - listedMs).toFixed(0),
		drawnMs - listedMs <= MAX_FIRST_DRAW_MS,
		'≤ 1000',
	);
	const times = [listedMs, drawnMs, knownMs].map((ms) => ms.toFixed(0)).join(', ');
	print('   ms from opening to the first page, drawing, all known', times);
}

async function measureMovement(page) {
	const box = await page.locator('#rows').boundingBox();
	const [middleX, middleY] = [box.x + box.width / 2, box.y + 60];
	for (const [name, spanMs] of [
		['10 minutes', 600_000],
		['a day', 86_400_000],
		['all', range.to - range.from],
	]) {
		await show(page, spanMs, 0.5);
		await new Promise((resolve) => setTimeout(resolve, 2500));
		await page.mouse.move(middleX, middleY);
		await page.mouse.down();
		await measureFrames(page, `panning, ${name}`, (step) =>
			page.mouse.move(middleX + 300 * Math.sin(step / 9), middleY),
		);
		await page.mouse.up();
		await measureFrames(page, `zooming, ${name}`, (step) =>
			page.mouse.wheel(0, Math.sin(step / 25) > 0 ? 40 : -40),
		);
	}
}

async function measureFrames(page, what, move) {
	const measuring = page.evaluate(`frames(${SECONDS_EACH})`);
	let isOver = false;
	const moving = (async () => {
		for (let step = 0; !isOver; step++) await move(step);
	})();
	const lengths = await measuring;
	isOver = true;
	await moving;
	const sorted = lengths.toSorted((a, b) => a - b);
	const late = lengths.filter((ms) => ms > LATE_MS).length / lengths.length;
	const median = sorted[Math.floor(sorted.length / 2)];
	const rate = (lengths.length * 1000) / lengths.reduce((sum, ms) => sum + ms, 0);
	print(
		`${what}: frames a second, median ms, late, longest ms`,
		`${rate.toFixed(0)}, ${median.toFixed(1)}, ${(late * 100).toFixed(1)} %, ${sorted.at(-1).toFixed(0)}`,
		median <= MAX_MEDIAN_MS && late <= MAX_LATE,
		'60 a second, ≤ 10 % over 32 ms',
	);
}

/** Goes to random places at random zooms, moves there, and plays at every fourth. */
async function measureMemory(page) {
	const session = await page.context().newCDPSession(page);
	const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
	const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
	const box = await page.locator('#rows').boundingBox();
	const samples = [];
	let printed = 0;
	const beganMs = Date.now();
	for (let place = 1; Date.now() - beganMs < MINUTES * 60_000; place++) {
		await show(page, 10 ** (4 + ((place * 7919) % 6)), ((place * 104_729) % 1000) / 1000);
		await new Promise((resolve) => setTimeout(resolve, 1000));
		await page.mouse.move(box.x + ((place * 271) % box.width), box.y + 60);
		for (let wheel = 0; wheel < 10; wheel++) await page.mouse.wheel(0, wheel % 3 === 0 ? 200 : -120);
		if (place % 4 === 0) await page.mouse.click(box.x + ((place * 173) % box.width), box.y + 60);
		if (place % PLACES_EACH !== 0) continue;
		await session.send('HeapProfiler.collectGarbage');
		const { usedSize } = await session.send('Runtime.getHeapUsage');
		samples.push({
			minutes: (Date.now() - beganMs) / 60_000,
			'heap of the page': usedSize,
			'resident, renderers': renderers.reduce((sum, pid) => sum + residentBytes(pid), 0),
			'heap of the server': await heapAfterCollection(view.child),
			'resident, server': residentBytes(view.child.pid),
			'resident, archive': residentBytes(archive.pid),
		});
		if (samples.at(-1).minutes < printed + 1) continue;
		printed++;
		const megabytes = Object.values(samples.at(-1)).slice(1);
		print(
			`   after ${printed} min, ${place} places: MB of ${Object.keys(samples[0]).slice(1).join('; ')}`,
			megabytes.map((bytes) => (bytes / 1e6).toFixed(1)).join(', '),
		);
	}
	const quarter = Math.max(1, Math.floor(samples.length / 4));
	for (const name of Object.keys(samples[0] ?? {}).slice(1)) {
		const megabytes = samples.map((sample) => sample[name] / 1e6);
		const quarters = [0, 1, 2, 3].map((at) =>
			mean(at === 3 ? megabytes.slice(-quarter) : megabytes.slice(at * quarter, (at + 1) * quarter)),
		);
		// What is loaded and kept once is there after the first quarter.
		const growth = quarters[3] / quarters[1];
		print(
			`MB ${name}: means of each quarter`,
			quarters.map((mb) => mb.toFixed(1)).join(', '),
			samples.length < 8 || UNJUDGED.has(name) ? null : growth <= MAX_GROWTH,
			'the last ≤ 1.1 × the second',
		);
	}
}

/** Shows so much time about a place in the recording. */
function show(page, spanMs, share) {
	const ms = range.from.getTime() + (range.to - range.from) * share;
	return page.evaluate(
		`location.replace(location.pathname + location.search + '#t=${new Date(ms).toISOString()}&z=${spanMs}&clock=producer&s=camera')`,
	);
}

function mean(numbers) {
	return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
