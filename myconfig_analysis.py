"""Settings of the analysis of videos: which network, which videos, how the results are drawn.

This file alone names the network. Values are plain: numbers, texts in quotes, True, False or None. As they stand here
they belong to the demo (`make demo`).
"""

# ---- The videos ---------------------------------------------------------------------------------
videofolder = '../videos/'  # folder of the videos, relative to Analysis-tools/
videotype = '.mp4'  # suffix of the videos to analyze
cropping = False  # analyze only x1 <= x < x2 and y1 <= y < y2? Results are in full frame pixels all the same
x1 = 0  # left edge of the crop, pixels
x2 = 396  # right edge (not included), pixels
y1 = 0  # top edge, pixels
y2 = 406  # bottom edge (not included), pixels
movingwindow = False  # look only at a window that moves with the animal? Quicker where it is small in the frame
windowmargin = 60  # pixels between the body parts (from pcutoff on) and the edges of the window
fps = None  # frames per second of recordings that tell none (raw .h264, .mjpeg, images); None: 25 are assumed
videostream = None  # which video of a file that holds several, counted from 0; None: the largest
channel = None  # which channel of a TIFF file that holds several, counted from 1 as in Fiji; None: the first

# ---- The network --------------------------------------------------------------------------------
scorer = 'rick'  # as in myconfig.py when the network was trained
Task = 'mouse'
date = 'Nov22'
trainingsFraction = 0.8  # share of the labeled images it was trained on
resnet = 50  # its depth
shuffle = 1  # number of its split
snapshotindex = -1  # which: -1 the last, a position counted from 0, or "best" (lowest error on held-out images)
trainingsiterations = None  # or the number of iterations of a snapshot, instead of snapshotindex
engine = 'auto'  # what computes: 'keras', 'openvino' (on the CPU), or 'auto': the faster of these, with the same poses
# 'fast': the fastest that is as good on your labeled images, measured once; all others: docs/make-it-faster.md
analysisscale = 1  # size of the frames that the network sees, such as 0.7; or 'auto': the smallest that is as good

# ---- Results ------------------------------------------------------------------------------------
storedata_as_csv = True  # write a csv beside every h5?

# ---- The labeled video --------------------------------------------------------------------------
pcutoff = 0.6  # draw a body part from this likelihood on (0 to 1)
dotsize = 4  # radius of the dots, pixels
alphavalue = 0.8  # opacity of the dots (0 to 1)
colormap = 'parts'  # 8 colours, then the same with other markers; or a matplotlib colormap such as 'hsv'
skeleton = []  # pairs of body parts to join by a line, such as [['nose', 'tail'], ['tail', 'paw']]
trailpoints = 0  # number of past frames through which the trail of each body part leads
drawfiltered = False  # draw and plot the poses as FilterPredictions.py has smoothed them?
drawradius = False  # draw the radius within which nine of ten such poses lie? Known after an evaluation
slowmotion = None  # or a speed such as 0.1: also write a copy of each labeled video that is so much slower
deleteindividualframes = False  # v1 kept all frames as pictures and could delete them; no frames are kept here

# ---- Filtered poses, trajectories, outliers ------------------------------------------------------
windowlength = 5  # frames in the window of the median filter, odd
jumpthreshold = 20  # a longer step from one frame to the next is a jump, pixels
deviationthreshold = 10  # more than this off its median-filtered track, a pose is an outlier, pixels
numoutlierframes = 20  # frames to extract from each video where the network fails, to be labeled

# ---- Several cameras: Calibrate.py, Triangulate.py --------------------------------------------------
cameras = {}  # such as {'A': '*camA*', 'B': '*camB*'}: for each camera a pattern of its videos' names; * is any text
cameraoffsets = {}  # such as {'B': 3}: frame 3 of camera B shows the moment of frame 0 of those that are not named
commontrigger = False  # did one trigger make the frames of all cameras? Then their clocks are not compared
calibrationfolder = '../videos/calibration/'  # folder of the videos of the board, relative to Analysis-tools/
calibrationboard = None  # its squares, and the sides of squares and markers in the unit that you want, such as
# {'columns': 7, 'rows': 5, 'squarelength': 25, 'markerlength': 18, 'dictionary': 'DICT_4X4_50'}; docs/two-cameras.md
