/*
 * npm run bench:view [-- --fragments N --minutes N]: the page of `kvs-archive view` in Chromium, without a graphics processor,
 * over a million stored fragments: how soon it draws after the first page of the listing came, how evenly it draws while one
 * pans and zooms, and whether the memory of page and server stays flat over ten minutes of random looking around.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { record, scratch, serve } from './recording.mjs';

const { values } = parseArgs({
	options: {
		fragments: { type: 'string', default: '1000000' },
		minutes: { type: 'string', default: '10' },
		chromium: { type: 'string', default: '/usr/bin/chromium' },
	},
});
const SECONDS_EACH = 10;
/** Frames of the screen that take longer are late. */
const LATE_MS = 32;
const MAX_LATE = 0.1;
const MAX_FIRST_DRAW_MS = 1000;
const MAX_GROWTH = 1.1;

const directory = scratch();
const data = join(directory, 'data');
const range = await record(data, {
	fragments: Number(values.fragments),
	frames: 1,
	frameBytes: 10,
});
const archive = await serve(data);
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const env = {
	...process.env,
	AWS_ACCESS_KEY_ID: 'local',
	AWS_SECRET_ACCESS_KEY: 'local',
	AWS_REGION: 'us-east-1',
};
const view = spawn(process.execPath, [main, 'view', '--stream', 'camera', '--endpoint', archive.endpoint], {
	env,
	stdio: ['ignore', 'pipe', 'inherit'],
});
const address = await new Promise((resolve) => {
	let text = '';
	view.stdout.on('data', (chunk) => {
		text += chunk;
		const found = /listening on (\S+)/.exec(text);
		if (found !== null) resolve(found[1]);
	});
});
const browser = await chromium.launch({
	executablePath: values.chromium,
	args: ['--no-sandbox', '--disable-gpu'],
});
let missed = 0;
const print = (what, figure, isMet = null, target = '') => {
	const verdict = isMet === null ? '' : isMet ? `  met (${target})` : `  MISSED (${target})`;
	process.stdout.write(`${what.padEnd(58)} ${figure}${verdict}\n`);
	if (isMet === false) missed++;
};
try {
	const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
	/** Colours of the band, when the first of them is that of something recorded. */
	await page.addInitScript(`
		const isRecorded = () => {
			const canvas = document.getElementById('canvas');
			if (canvas === null || canvas.clientWidth === 0) return false;
			const row = canvas.getContext('2d').getImageData(0, Math.round(103 * canvas.width / canvas.clientWidth), canvas.width, 1).data;
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
		};`);
	await page.goto(address);
	const drawnMs = await page.evaluate('firstDraw');
	const listedMs = await page.evaluate(
		"Math.min(...performance.getEntriesByType('resource').filter(({ name }) => /api\\/(window|bucket)/.test(name)).map(({ responseStart }) => responseStart).filter((ms) => ms > 0))",
	);
	const openingMs = Math.max(0, drawnMs - listedMs);
	print(
		'ms from the first page of the listing to its drawing',
		openingMs.toFixed(0),
		openingMs <= MAX_FIRST_DRAW_MS,
		'≤ 1000',
	);
	print('ms from opening the page to that', drawnMs.toFixed(0));

	const box = await page.locator('#rows').boundingBox();
	const [middleX, middleY] = [box.x + box.width / 2, box.y + 60];
	const all = range.to.getTime() - range.from.getTime();
	const show = (spanMs, share) =>
		page.evaluate(
			`location.replace(location.pathname + location.search + '#t=${new Date(range.from.getTime() + all * share).toISOString()}&z=${spanMs}&clock=producer&s=camera')`,
		);
	const settle = () => new Promise((resolve) => setTimeout(resolve, 2500));
	const measure = async (what, move) => {
		const lengths = page.evaluate(`frames(${SECONDS_EACH})`);
		let isOver = false;
		const moving = (async () => {
			for (let step = 0; !isOver; step++) await move(step);
		})();
		const measured = await lengths;
		isOver = true;
		await moving;
		const sorted = measured.toSorted((a, b) => a - b);
		const late = measured.filter((ms) => ms > LATE_MS).length / measured.length;
		const median = sorted[Math.floor(sorted.length / 2)];
		const rate = measured.length / SECONDS_EACH;
		print(
			`${what}: frames a second, median ms, late`,
			`${rate.toFixed(0)}, ${median.toFixed(1)}, ${(late * 100).toFixed(1)} %`,
			median <= 17.5 && late <= MAX_LATE,
			'60 a second, ≤ 10 % over 32 ms',
		);
	};
	for (const [name, spanMs] of [
		['10 minutes', 600_000],
		['a day', 86_400_000],
		['all', all],
	]) {
		await show(spanMs, 0.5);
		await settle();
		await page.mouse.move(middleX, middleY);
		await page.mouse.down();
		await measure(`panning, ${name}`, (step) => page.mouse.move(middleX + 300 * Math.sin(step / 9), middleY));
		await page.mouse.up();
		await measure(`zooming, ${name}`, (step) => page.mouse.wheel(0, Math.sin(step / 25) > 0 ? 40 : -40));
	}

	const session = await page.context().newCDPSession(page);
	const memory = [];
	const until = Date.now() + Number(values.minutes) * 60_000;
	for (let step = 0; Date.now() < until; step++) {
		await show(10 ** (4 + ((step * 7919) % 6)), ((step * 104729) % 1000) / 1000);
		await new Promise((resolve) => setTimeout(resolve, 1000));
		for (let wheel = 0; wheel < 10; wheel++) await page.mouse.wheel(0, wheel % 3 === 0 ? 200 : -120);
		if (step % 10 !== 9) continue;
		await session.send('HeapProfiler.collectGarbage');
		const { usedSize } = await session.send('Runtime.getHeapUsage');
		memory.push({ pageMb: usedSize / 1e6, serverMb: residentMb(view.pid) });
	}
	const quarter = Math.max(1, Math.floor(memory.length / 4));
	for (const [what, name] of [
		['page', 'pageMb'],
		['server', 'serverMb'],
	]) {
		// What is loaded and kept once is there after the first quarter.
		const early = mean(memory.slice(quarter, 2 * quarter).map((sample) => sample[name]));
		const late = mean(memory.slice(-quarter).map((sample) => sample[name]));
		print(
			`memory of the ${what} in MB: second quarter, last`,
			`${early.toFixed(0)}, ${late.toFixed(0)}`,
			memory.length < 8 ? null : late / early <= MAX_GROWTH,
			'≤ 1.1 ×',
		);
	}
} finally {
	await browser.close();
	view.kill('SIGINT');
	await archive.stop();
}
process.stdout.write(`\n${missed === 0 ? 'all targets met' : `${missed} targets missed`}\n`);
process.exitCode = missed === 0 ? 0 : 1;

function residentMb(pid) {
	return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

function mean(numbers) {
	return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
