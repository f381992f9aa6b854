import test from 'ava';
import { parseTracks } from '#lib/cli/track-list.js';

test('numbers, types and names, with commas between them', (t) => {
	t.deepEqual(parseTracks('1,2'), [1, 2]);
	t.deepEqual(parseTracks('video'), ['video']);
	t.deepEqual(parseTracks('2, AUDIO_FROM_CUSTOMER,audio'), [2, 'AUDIO_FROM_CUSTOMER', 'audio']);
	t.deepEqual(parseTracks('front door'), ['front door']);
	t.deepEqual(parseTracks('-1,2x'), ['-1', '2x']);
	t.is(parseTracks(undefined), undefined);
});

for (const list of ['', ',', '1,,2', '1,', '0', '1,0', '99999999999999999999']) {
	test(`\`${list}\` is not a valid list of tracks`, (t) => {
		t.throws(() => parseTracks(list), {
			code: 'KVS_INVALID_OPTION',
			message: /^expected `--tracks` to be .*, got `/,
		});
	});
}
