export { pictureFields } from '../../gaps/picture-span.js';
