"""Rendering: from pixel values to pictures, and the settings by which that is done.

`quantum`, `slices`, `projection`, `composition`, `lookup_tables` and `jpeg` know arrays alone;
`settings` and `defaults` are what a RenderingDef says and what it says at first; `renderer` puts
these together; `engine` (RenderingEngine), `settings_service` (RenderingSettings), `thumbnails`
(ThumbnailStore) and `projection_service` (Projection) answer clients.
"""
