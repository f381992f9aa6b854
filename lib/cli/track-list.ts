import { InvalidOptionError, type TrackSelector } from '../index.js';

/**
 * The tracks that `--tracks` names: numbers, `video`, `audio` and names, with commas between them; undefined where it was not
 * given. A number that is a track's name, or a name with a comma, is out of its reach. Throws `InvalidOptionError`.
 */
export function parseTracks(list: string | undefined): TrackSelector[] | undefined {
	return list?.split(',').map((item) => {
		const text = item.trim();
		const number = Number(text);
		const isNumber = /^\d+$/.test(text);
		if (text === '' || (isNumber && !(number > 0 && Number.isSafeInteger(number)))) {
			throw new InvalidOptionError(
				'--tracks',
				'track numbers, names, `video` or `audio`, with commas between them',
				list,
			);
		}
		return isNumber ? number : text;
	});
}
