import test from 'ava';
import { Producer } from '../../helpers/service/producer.js';
import { clusterOf, header } from '../put-media/body.js';
import {
	onDemand,
	type Playback,
	readPlaylist,
	START_MS,
	startPlayback,
	videoFragment,
	videoTrack,
} from './start-playback.js';

/** The Cluster of the `index`-th fragment of two seconds. */
function clusterAt(index: number): Buffer {
	const { blocks = [], producerMs } = videoFragment(index);
	return clusterOf(producerMs, blocks);
}

/** A producer that puts in real time: as each fragment begins, the one before it is whole. */
async function putInRealTime({
	url,
	clock,
}: Playback): Promise<{ put: () => Promise<void>; index: () => number }> {
	const producer = await Producer.open(url, { stream: 'door' });
	await producer.send(header({ tracks: [videoTrack] }));
	let next = 0;
	return {
		index: () => next,
		put: async () => {
			clock.nowMs = START_MS + next * 2000;
			await producer.send(clusterAt(next++));
			const begun = START_MS + (next - 1) * 2000;
			await producer.ack(({ EventType, FragmentTimecode }) =>
				next === 1
					? EventType === 'BUFFERING'
					: EventType === 'PERSISTED' && FragmentTimecode === begun - 2000,
			);
		},
	};
}

for (const mode of ['LIVE', 'LIVE_REPLAY'] as const) {
	test(`${mode} plays fragments as they are put, within two fragments of now`, async (t) => {
		const playback = await startPlayback(t);
		await playback.server.archive.ready;
		await playback.server.archive.createStream({ name: 'door', mediaType: 'video/h264' });
		const { put, index } = await putInRealTime(playback);
		for (let count = 0; count < 4; count++) await put();
		const range = { StartTimestamp: START_MS / 1000 };
		const selector = { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: range };
		const session = await playback.open({
			PlaybackMode: mode,
			DisplayFragmentTimestamp: 'ALWAYS',
			...(mode === 'LIVE_REPLAY' && { HLSFragmentSelector: selector }),
		});
		for (let count = 0; count < 12; count++) {
			await put();
			const { playlist } = await readPlaylist(session);
			const last = playlist.segments.at(-1);
			const lastMs = last?.programDateTime?.getTime() ?? Number.NaN;
			const newestMs = START_MS + (index() - 2) * 2000;
			t.true(newestMs - lastMs <= 2000 + 1, `${mode} ${count}: ${newestMs - lastMs} ms`);
			t.false(playlist.endlist);
		}
	});
}

test('a session of a stream that is deleted ends with 404', async (t) => {
	const playback = await startPlayback(t);
	await playback.ingest([videoFragment(0), videoFragment(1)]);
	const session = await playback.open({ PlaybackMode: 'ON_DEMAND', ...onDemand() });
	t.is((await fetch(session.url)).status, 200);
	const stream = playback.server.archive.stream('door');
	if (stream !== undefined) await playback.server.archive.deleteStream(stream);
	t.is((await fetch(session.url)).status, 404);
});
