/* What a producer sends: a header of one video track, and Clusters of one frame whose bytes say which they are. */
import { elementHeader, master, string } from '../../dist/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info } from '../../dist/mkv/matroska-writer.js';

// Compiled with the tests.
const { videoTrack } = await import(new URL('../../build/test/helpers/payload.js', import.meta.url).href);

/** Everything before the first Cluster. */
export const bodyHeader = Buffer.concat([
	...ebmlHeader(),
	elementHeader('Segment', 0, { isSizeUnknown: true }),
	...info(1_000_000),
	...master('Tracks', [videoTrack]),
]);

/** A Cluster of known size of a key frame of so many bytes. */
export function mediaCluster(timeMs, sizeBytes) {
	const data = Buffer.alloc(sizeBytes, timeMs % 251);
	data.write(String(timeMs));
	return Buffer.concat(
		cluster(BigInt(timeMs), block({ trackNumber: 1, relativeTicks: 0, keyframe: true, data })),
	);
}

/** The Tags with which producers end a fragment. */
export const endOfFragment = Buffer.concat(
	master('Tags', [
		master('Tag', [
			master('SimpleTag', [string('TagName', 'AWS_KINESISVIDEO_END_OF_FRAGMENT'), string('TagString', '')]),
		]),
	]),
);
