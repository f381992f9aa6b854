import test from 'ava';
import { PCM_AUDIO_CODECS } from 'mediabunny';
import { pcmCodecs } from '#lib/mp4/decoder-config.js';

test('the PCM codecs are those of mediabunny', (t) => {
	t.deepEqual(new Set<string>(pcmCodecs), new Set<string>(PCM_AUDIO_CODECS));
});
