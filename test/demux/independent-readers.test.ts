import { readFileSync } from 'node:fs';
import type { Frame } from '#lib/model/media-event.js';
import { sample, testWith } from '../helpers/needs.js';
import { run } from '../helpers/tools.js';
import { readEvents } from './read-events.js';

const names = [
	'output_get_media.mkv',
	'output_get_media_sparse_fragments.mkv',
	'clusters.mkv',
	'vogels_480.mkv',
];

function framesOf(path: string): Frame[] {
	return readEvents([readFileSync(path)]).events.filter((event) => event.type === 'frame');
}

for (const name of names) {
	testWith('mkvinfo', name)(`mkvinfo sees the same frames in ${name}`, async (t) => {
		const path = sample(name);
		const { stdout } = await run('mkvinfo', ['-v', '-v', path], { env: { LC_ALL: 'C.UTF-8' } });
		const blocks: { track: number; ms: number; keyframe: boolean; size: number }[] = [];
		let keyframe = false;
		for (const line of stdout.split('\n')) {
			const head =
				/Simple block: (key, )?.*track number (\d+), \d+ frame\(s\), timestamp (\d+):(\d+):([\d.]+)/.exec(
					line,
				);
			if (head !== null) {
				keyframe = head[1] !== undefined;
				const ms = Math.round((Number(head[3]) * 3600 + Number(head[4]) * 60 + Number(head[5])) * 1000);
				blocks.push({ track: Number(head[2]), ms, keyframe, size: -1 });
			}
			const size = /Frame with size (\d+)/.exec(line)?.[1];
			const last = blocks.at(-1);
			if (size !== undefined && last !== undefined)
				blocks[blocks.length - 1] = { ...last, size: Number(size) };
		}
		t.true(blocks.length > 0);
		t.deepEqual(
			framesOf(path).map((frame) => ({
				track: frame.track.number,
				ms: Number(frame.timecodeNs / 1_000_000n),
				keyframe: frame.keyframe,
				size: frame.data.byteLength,
			})),
			blocks,
		);
	});
}

for (const name of names) {
	testWith('ffmpeg', name)(`ffprobe sees the same packets in ${name}`, async (t) => {
		const path = sample(name);
		const entries = 'packet=stream_index,pts_time,size,flags';
		const args = ['-v', 'quiet', '-show_packets', '-show_entries', entries, '-of', 'json', path];
		const { packets } = JSON.parse((await run('ffprobe', args)).stdout) as {
			packets: { stream_index: number; pts_time: string; size: string; flags: string }[];
		};
		const frames = framesOf(path);
		// ffprobe counts streams from 0, and time from the first packet of the file.
		const firstMs = Math.round(Number(packets[0]?.pts_time) * 1000);
		const startMs = Number((frames[0] as Frame).timecodeNs / 1_000_000n);
		t.deepEqual(
			frames.map((frame) => ({
				stream: frame.track.number - 1,
				ms: Number(frame.timecodeNs / 1_000_000n) - startMs,
				size: frame.data.byteLength,
				keyframe: frame.keyframe,
			})),
			packets.map(({ stream_index, pts_time, size, flags }) => ({
				stream: stream_index,
				ms: Math.round(Number(pts_time) * 1000) - firstMs,
				size: Number(size),
				keyframe: flags.startsWith('K'),
			})),
		);
	});
}
