import { audioTrack, tags, videoTrack } from '../helpers/media/payload.js';
import { bothTracks, clusterOf, frame, header } from '../server/put-media/body.js';

const bodies: Readonly<Record<string, () => readonly Uint8Array[]>> = {
	'two-fragments': () => [header(), clusterOf(0), clusterOf(1000)],
	nothing: () => [],
	'not-matroska': () => [Buffer.from('not Matroska at all, and long enough to be read '.repeat(10))],
	'same-time': () => [header(), clusterOf(0), clusterOf(0)],
	'eleven-tags': () => [
		header(),
		clusterOf(0),
		...Array.from({ length: 11 }, (_, index) => tags([`key${index}`, 'value'])).flat(),
		clusterOf(1000),
	],
	'undeclared-track': () => [
		header({ tracks: [videoTrack] }),
		clusterOf(0, [frame(0), frame(40, { trackNumber: 3 })]),
	],
	'track-without-frames': () => [header({ tracks: [videoTrack, audioTrack] }), clusterOf(0), clusterOf(1000)],
	'empty-cluster': () => [header({ tracks: bothTracks }), clusterOf(0, [])],
};

/** A body of PutMedia by its name: some fragments of a few bytes. Throws for a name that there is not. */
export function mediaBody(name: string): Buffer {
	const make = bodies[name];
	if (make === undefined)
		throw new Error(`there is no media \`${name}\`: expected one of ${Object.keys(bodies).join(', ')}`);
	return Buffer.concat(make());
}
