// The one type of the browser's library that structured-headers names in its declarations. Without it the compiler takes
// every parsed value for `any`. Declares nothing that exists at run time.

type BufferSource = ArrayBuffer | ArrayBufferView;
