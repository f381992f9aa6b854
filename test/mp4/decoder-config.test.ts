import test from 'ava';
import { PCM_AUDIO_CODECS } from 'mediabunny';
import { pcmCodecs } from '#lib/mp4/decoder-config.js';

test('PCM is what mediabunny calls so', (t) => {
	t.deepEqual([...pcmCodecs].toSorted(), [...PCM_AUDIO_CODECS].toSorted());
});
