import { recordings } from '../../helpers/media/recordings.js';
import { withFfmpeg } from '../../helpers/needs.js';
import { decodedImages, shownAt, sourcePictures, startImages } from './start-images.js';

const video = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4'];
const avc = ['-c:v', 'libx264', '-preset', 'ultrafast'];

const open = ['-g', '24', '-bf', '3', '-b_strategy', '0', '-x264-params', 'open-gop=1:scenecut=0'];
const openHevc = 'log-level=none:keyint=25:open-gop=1:scenecut=0:bframes=4';

/** Fragments of about a second each. Of open groups, the first pictures of a fragment are shown before its key frame. */
const films = {
	'H.264 without B-frames': [...video, ...avc, '-g', '25', '-bf', '0'],
	'H.264 with B-frames and AAC': recordings['B-frames and AAC'],
	'H.264 of open groups': [...video, ...avc, ...open],
	'H.265 of open groups': [...video, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', openHevc],
	'a rate that varies': [
		'-f',
		'lavfi',
		'-i',
		"testsrc2=s=160x120:r=25:d=4,select='not(mod(n,3))+eq(mod(n,25),0)'",
		'-fps_mode',
		'vfr',
		...avc,
		'-bf',
		'2',
		'-force_key_frames',
		'expr:gte(t,n_forced)',
	],
} as const;

for (const [name, film] of Object.entries(films)) {
	withFfmpeg(`an image is the frame that is shown at its time: ${name}`, async (t) => {
		const { images } = await startImages(t, film);
		const source = await sourcePictures(film);
		// Neither a multiple of a frame's duration nor of a fragment's.
		const given = await images({ toMs: 3990, SamplingInterval: 210 });
		t.is(given.length, 20);
		t.deepEqual(
			given.map(({ ms, error }) => [ms, error]),
			Array.from({ length: 20 }, (_, index) => [index * 210, null]),
		);
		t.deepEqual(
			await decodedImages(given.map(({ bytes }) => bytes)),
			given.map(({ ms }) => shownAt(source, ms)),
		);
		// From a picture's own time on, and not a millisecond earlier.
		const border: (Buffer | null)[] = [];
		const expected: (string | undefined)[] = [];
		for (const { ms } of source.filter((picture) => picture.ms >= 800 && picture.ms <= 960)) {
			for (const toMs of [ms - 1, ms]) {
				const [, image] = await images({ fromMs: toMs - 1200, toMs, SamplingInterval: 1200 });
				border.push(image?.bytes ?? null);
				expected.push(shownAt(source, toMs));
			}
		}
		t.deepEqual(await decodedImages(border), expected);
	});
}
