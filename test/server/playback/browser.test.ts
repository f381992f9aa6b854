import type { ExecutionContext } from 'ava';
import { makeRecording } from '../../helpers/media/recordings.js';
import { withChromium } from '../../helpers/needs.js';
import { startServer } from '../../helpers/service/start-server.js';
import { inPage, openPlayer } from './player-page.js';
import { dashOnDemand, onDemand, START_MS, selector } from './start-playback.js';

/** Eight seconds whose n-th picture has the brightness n: a look at it says when it was taken. */
const brightness = (
	"-f lavfi -i color=size=16x12:rate=25:duration=8,geq=lum='16+N':cb=128:cr=128,scale=160:120:flags=neighbor -f lavfi -i sine=d=8:r=48000 " +
	'-c:v libx264 -preset ultrafast -crf 5 -g 25 -keyint_min 25 -sc_threshold 0 -bf 2 -b_strategy 0 ' +
	'-pix_fmt yuv420p -color_range tv -c:a aac -ac 2'
).split(' ');
const small = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=3'];
const large = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=3'];
const avc = [
	'-c:v',
	'libx264',
	'-preset',
	'ultrafast',
	'-g',
	'25',
	'-keyint_min',
	'25',
	'-pix_fmt',
	'yuv420p',
];

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

/** Plays and seeks a session on demand, each segment late. */
async function playOnSlowLine(
	t: ExecutionContext,
	ContainerFormat: string,
	DiscontinuityMode: string,
	clock: 'SERVER' | 'PRODUCER',
): Promise<void> {
	const title = `${ContainerFormat} ${DiscontinuityMode} ${clock}`;
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', await makeRecording(brightness), { start: new Date(START_MS) });
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
	const first = await makeRecording([...small, ...avc]);
	const second = await makeRecording([...large, ...avc]);
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
		const file = await makeRecording(brightness);
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

async function openDashSession(
	call: Awaited<ReturnType<typeof startServer>>['call'],
	members: object,
): Promise<string> {
	const { json } = await call('GetDASHStreamingSessionURL', {
		StreamName: 'door',
		DisplayFragmentTimestamp: 'ALWAYS',
		...members,
	});
	return json.DASHStreamingSessionURL;
}

withChromium('dash.js plays and seeks on a slow line, and knows when each picture was taken', async (t) => {
	await Promise.all(
		(['SERVER', 'PRODUCER'] as const).map(async (clock) => {
			const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
			await server.archive.ingest('door', await makeRecording(brightness), { start: new Date(START_MS) });
			const page = await openPlayer(t, { delayMs: 400, library: 'dashjs' });
			await inPage(page, `await play(${JSON.stringify(await openDashSession(call, dashOnDemand(clock)))});`);
			await inPage(page, "await until(() => video.currentTime > 1, 'the first second');");
			const epochMs = START_MS + (clock === 'SERVER' ? 1000 : 0);
			for (const seconds of [6.5, 2.3, 4.1]) {
				const { picture, ms } = await inPage<{ picture: number; ms: number }>(
					page,
					`return seekTo(${seconds});`,
				);
				const said = `${clock}: picture ${picture}`;
				t.true(Math.abs(ms - epochMs - picture * 40) <= 80, `${said} at ${ms - epochMs} ms`);
				t.true(Math.abs(picture / 25 - seconds) < 0.2, `${said} at ${seconds} s`);
			}
			await inPage(page, 'await playToEnd(7);');
			t.deepEqual(await inPage(page, 'return holes();'), [], await inPage<string>(page, 'return state();'));
			t.deepEqual(await inPage(page, 'return errors;'), []);
		}),
	);
});

withChromium('dash.js plays through a gap, and knows the time after it', async (t) => {
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	const files = [
		await makeRecording(brightness),
		await makeRecording([...brightness, '-metadata', 'title=later']),
	];
	for (const [index, file] of files.entries()) {
		await server.archive.ingest('door', file, { start: new Date(START_MS + index * 60_000) });
	}
	const page = await openPlayer(t, { library: 'dashjs' });
	const members = dashOnDemand('SERVER');
	await inPage(page, `await play(${JSON.stringify(await openDashSession(call, members))});`);
	const { picture, ms } = await inPage<{ picture: number; ms: number }>(page, 'return seekTo(11.3);');
	t.true(Math.abs(ms - START_MS - 61_000 - picture * 40) <= 80, `picture ${picture} at ${ms - START_MS}`);
	await inPage(page, 'await playToEnd(6);');
	t.deepEqual(await inPage(page, 'return errors;'), []);
});

for (const PlaybackMode of ['LIVE', 'LIVE_REPLAY'] as const) {
	withChromium(`dash.js follows a session: ${PlaybackMode}`, async (t) => {
		const page = await openPlayer(t, { library: 'dashjs' });
		const isLive = PlaybackMode === 'LIVE';
		// Four fragments are listed first, whatever time it takes to begin; then the clock goes on by itself, as players have one.
		let openedMs: number | null = null;
		const sinceOpenedMs = (): number => (openedMs === null ? 0 : Date.now() - openedMs);
		const now = (): number => START_MS + (isLive ? 5500 : 3_600_000) + sinceOpenedMs();
		const { server, call } = await startServer(t, { now });
		await server.archive.ingest('door', await makeRecording(brightness), { start: new Date(START_MS) });
		const url = await openDashSession(call, {
			MaxManifestFragmentResults: 4,
			...(!isLive && dashOnDemand('SERVER', { to: 60_000 })),
			PlaybackMode,
		});
		openedMs = Date.now();
		await inPage(page, `await play(${JSON.stringify(url)});`);
		const ms = await inPage<number>(
			page,
			`await until(() => video.currentTime > 6, 'what was not there at the start');
			await refresh(${JSON.stringify(url)});
			return clockAt(video.currentTime);`,
		);
		t.true(ms > START_MS + 6000, String(ms - START_MS));
		if (!isLive) await inPage(page, "await until(() => isOver(), 'the end');");
		t.deepEqual(await inPage(page, 'return errors;'), []);
	});
}
