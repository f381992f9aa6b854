import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemClock } from 'kvs-archive';
import { between, startMs } from '../helpers/media/range.js';
import { testWith, withFfmpeg } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { within } from '../helpers/wait.js';
import { playlistViolations } from '../server/playback/strict-playlists.js';

/** VLC refuses to run as root. */
const isRoot = process.getuid?.() === 0;
const withVlc = testWith('cvlc', 'ffmpeg', ...(isRoot ? ['setpriv'] : []));

const PICTURES = 225;

/** Three recordings: the second comes after a gap, the third has another resolution. */
const recordings = [
	{ atMs: 0, seconds: 3, size: '160x120', hz: 440 },
	{ atMs: 13_000, seconds: 2, size: '160x120', hz: 600 },
	{ atMs: 15_000, seconds: 4, size: '320x240', hz: 800 },
];

/** A session of the defaults, for a stream of all that. */
async function openDefault(t: ExecutionContext, by: 'server' | 'producer'): Promise<string> {
	const directory = await temporaryDirectory(t);
	const { endpoint, server } = await startArchive(t, {}, { now: () => startMs + 3_600_000 });
	for (const [index, { atMs, seconds, size, hz }] of recordings.entries()) {
		const file = join(directory, `${index}.mkv`);
		const input = `-f lavfi -i testsrc2=size=${size}:rate=25:duration=${seconds} -f lavfi -i sine=f=${hz}:d=${seconds}:r=48000`;
		const codecs = '-c:v libx264 -preset fast -g 25 -keyint_min 25 -sc_threshold 0 -bf 2 -c:a aac -ac 2';
		const { code, stderr } = await run('ffmpeg', [
			...`-nostdin -v error ${input} ${codecs}`.split(' '),
			file,
		]);
		t.is(code, 0, stderr);
		await server.archive.ingest('door', file, { start: new Date(startMs + atMs) });
	}
	const clock = { ...systemClock, now: () => startMs + 3_600_000 };
	const archive = openArchive(t, endpoint, { clock });
	return (await archive.hlsSession(between(0, 60_000, by))).url;
}

for (const by of ['server', 'producer'] as const) {
	withFfmpeg(
		`a session without options breaks no rule of RFC 8216, and ffmpeg plays it whole: ${by}`,
		async (t) => {
			const url = await openDefault(t, by);
			t.deepEqual(await playlistViolations({ url, token: '' }), []);
			const count =
				'-v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0';
			const { stdout, stderr } = await run('ffprobe', [...count.split(' '), url]);
			t.is(Number.parseInt(stdout, 10), PICTURES);
			t.is(stderr, '');
		},
	);
}

withVlc('VLC plays a session without options to its end', async (t) => {
	const asNobody = isRoot ? 'setpriv --reuid 65534 --regid 65534 --clear-groups'.split(' ') : [];
	const [command, ...before] = [...asNobody, 'cvlc'];
	const url = await openDefault(t, 'server');
	const directory = await temporaryDirectory(t);
	await chmod(directory, 0o777);
	const file = join(directory, 'played.ts');
	const sout = `#std{access=file,mux=ts,dst=${file}}`;
	const args = [...before, '-I', 'dummy', '--sout', sout, '--sout-keep', url, 'vlc://quit'];
	const { stderr } = await within(
		run(command as string, args, { env: { HOME: directory } }),
		() => `VLC does not end: ${url}`,
	);
	t.true((await stat(file)).size > 0, stderr);
	const count =
		'-v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0';
	const { stdout } = await run('ffprobe', [...count.split(' '), file]);
	// Its own output leaves out some pictures at the start and at each discontinuity, more of them on a busy machine. A player
	// that stops at the last discontinuity has at most 125.
	t.true(Number.parseInt(stdout, 10) > 125, `${stdout} of ${PICTURES} pictures; ${stderr}`);
});
