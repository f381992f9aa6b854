import { join } from 'node:path';
import { withFfmpeg } from '../../helpers/needs.js';
import { writeShellProgram } from '../../helpers/program/shell-program.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { until } from '../../helpers/wait.js';
import { membersOf, startImages } from './start-images.js';

const film = [
	'-f',
	'lavfi',
	'-i',
	'testsrc2=s=320x240:r=10:d=30',
	'-c:v',
	'libx264',
	'-preset',
	'ultrafast',
	'-g',
	'10',
	'-bf',
	'0',
];

/** The decoders that run: the processes that this one has started. */
function decoders(): number {
	return process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
}

withFfmpeg('twenty concurrent requests run at most two decoders, and leave none', async (t) => {
	const { call } = await startImages(t, film);
	let most = 0;
	let isOver = false;
	const requests = Array.from({ length: 20 }, () =>
		call('GetImages', membersOf({ toMs: 29_000, MaxResults: 100 })),
	);
	const all = Promise.all(requests).finally(() => {
		isOver = true;
	});
	await until(
		() => {
			most = Math.max(most, decoders());
			return isOver;
		},
		() => `${most} decoders at the most`,
	);
	const responses = await all;
	for (const { status, json } of responses) {
		t.is(status, 200);
		t.deepEqual(json, { ...responses[0]?.json, NextToken: json.NextToken });
		t.is(json.Images.filter(({ Error: error }: { Error: unknown }) => error === null).length, 25);
	}
	t.true(most >= 1 && most <= 2, `${most}`);
	t.is(decoders(), 0);
});

withFfmpeg('a client that disconnects ends its decoder and frees its place', async (t) => {
	const ffmpeg = join(await temporaryDirectory(t), 'ffmpeg');
	writeShellProgram(ffmpeg, 'exec sleep 1000');
	const { url, close } = await startImages(t, film, { ffmpeg });
	const disconnect = new AbortController();
	const request = async (signal?: AbortSignal): Promise<unknown> =>
		fetch(`${url}/getImages`, { method: 'POST', body: JSON.stringify(membersOf()), signal: signal ?? null });
	const waiting = Array.from({ length: 5 }, () => request(disconnect.signal));
	const state = (): string => `${decoders()} decoders`;
	await until(() => decoders() === 2, state);
	disconnect.abort();
	for (const { status } of await Promise.allSettled(waiting)) t.is(status, 'rejected');
	await until(() => decoders() === 0, state);
	const next = Promise.allSettled([request()]);
	await until(() => decoders() === 1, state);
	await close();
	t.is((await next)[0]?.status, 'rejected');
	await until(() => decoders() === 0, state);
});
