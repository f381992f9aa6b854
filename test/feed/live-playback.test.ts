import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { withChromium } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { within } from '../helpers/wait.js';
import { inPage, openPlayer } from '../server/playback/player-page.js';

const MAIN = resolve('dist/cli/main.js');
const CAMERA =
	'-nostdin -v error -re -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine=r=48000 ' +
	'-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac -f matroska -';

withChromium('ffmpeg … | kvs-archive feed --create: hls.js plays it live', async (t) => {
	const { endpoint } = await startArchive(t, {});
	const camera = spawn('ffmpeg', CAMERA.split(' '), { stdio: ['ignore', 'pipe', 'inherit'] });
	const args = ['feed', '--stream', 'door', '-', '--create', '--endpoint', endpoint];
	const feed = spawn(process.execPath, [MAIN, ...args], { stdio: [camera.stdout, 'pipe', 'pipe'] });
	camera.stdout.destroy();
	const said = text(feed.stderr);
	const ended = new Promise<number | null>((done) => {
		feed.once('exit', done);
	});
	t.teardown(() => camera.kill());
	t.teardown(() => feed.kill());
	const beforeMs = Date.now();
	await new Promise((listed) => {
		feed.stdout.once('data', listed);
	});
	const archive = openArchive(t, endpoint);
	await archive.waitForFragment({ from: new Date(beforeMs + 2000), by: 'producer' });
	const { url } = await archive.hlsSession({ mode: 'live', container: 'fmp4', fragmentTimestamps: true });
	const page = await openPlayer(t);
	await inPage(page, `await play(${JSON.stringify(url)});`);
	const { from, to, live } = await inPage<{ from: number; to: number; live: boolean }>(
		page,
		`const first = fragmentAt(video.currentTime).programDateTime;
		const isNew = () => fragmentAt(video.currentTime)?.programDateTime >= first + 3000;
		await until(isNew, 'three seconds that were not there at the start');
		return { from: first, to: fragmentAt(video.currentTime).programDateTime, live: hls.latestLevelDetails.live };`,
	);
	t.true(live);
	t.true(from >= beforeMs - 60_000 && to <= Date.now());
	t.deepEqual(await inPage(page, 'return errors;'), []);
	camera.kill();
	t.is(await within(ended, () => 'the feed goes on without its camera'), 0, await said);
});
